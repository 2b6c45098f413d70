package access

import "time"

// Request is one thing an agent asks for, with everything that may be read
// when deciding it. It is built by a policy enforcement point, completed by
// the policy administrator (Tool, Places, Facts) and immutable from then on.
//
// What most decisions read stands first: a request that was not looked at
// lately then comes from memory in few pieces.
type Request struct {
	Kind Kind
	// Passes marks what passes unless a deny or a gate matches: discovery,
	// completion, logging level, subscriptions, known notifications, replies.
	Passes bool
	// ArgsUnknown asks whether the request could ever be granted, whatever its
	// arguments: list filtering. Conditions on arguments and places are unknown.
	ArgsUnknown bool
	// SchemaState is what the tool's input schema says of Args.
	SchemaState SchemaState
	// Later says that the caller only wants to know whether the request is held,
	// and asks again elsewhere: to ask people takes a while.
	Later bool
	// FromBackend says that the guarded server asks this of the client.
	FromBackend bool

	Name    string // tool name, resource URI, prompt name; the method for Kind Method
	Backend string // the backend's configured name
	// Gates are hard stops that no policy lifts.
	Gates []Gate

	Args    Value // the arguments judged: an object, or absent
	Places  []Place
	Subject Subject
	Agent   string // proven software identity; "" is unknown

	Tool  ToolFacts
	Facts map[string]Fact
	Now   time.Time // zero is unknown

	// Counters say for each limit or rate, by its id, how many calls that share
	// this request's key were admitted in the last window, without this one. A
	// counter that is not there is unknown, and what is unknown restricts.
	Counters map[string]int64
	// Lifts names the entries of `break_glass` that a live lease opens for this
	// caller. They lift what their author marked and nothing else.
	Lifts []string

	Method  string // as sent: "tools/call"
	Client  string // what the client calls itself: a hint, never a grant
	Session Session

	// Named are the arguments that rules of the policy name, for the record of
	// the decision.
	Named []NamedArg
	// Digest identifies method and params, volatile keys excepted. SHA-256 over
	// the canonical form; zero where it was not computed.
	Digest [32]byte
	// Params are the whole params of a request that can wait for a person, who
	// is asked about exactly these. Absent where nobody can wait for an answer:
	// what a rule holds is then denied.
	Params Value
}

// Arguments returns the members of Args, none where it is no object. It copies
// less than a method of the value. The slice is shared and MUST NOT be changed.
func (r *Request) Arguments() []Member {
	if r.Args.kind != Object {
		return nil
	}
	return r.Args.items
}

// Subject is the human principal behind the agent.
type Subject struct {
	Known  bool // false: nobody proved who this is, and every condition on it is unknown
	Roles  []string
	Groups []string
	ID     string // without the issuer: "alice"
	Issuer string // "corp"; "os" for local users
	Tenant string
}

// String returns issuer:id, the form used in records.
func (s Subject) String() string {
	if !s.Known {
		return ""
	}
	if s.Issuer == "" {
		return s.ID
	}
	return s.Issuer + ":" + s.ID
}

// Session is one binding of subject, agent, client and device, minted by
// Custos. Its id never authenticates anything.
type Session struct {
	ID      string
	Started time.Time
}

// SchemaState is the verdict of a tool's input schema over the arguments.
type SchemaState uint8

const (
	// SchemaMissing means that no schema is known for the tool.
	SchemaMissing SchemaState = iota
	// SchemaValid means every argument is declared and valid.
	SchemaValid
	// SchemaInvalid means an argument is undeclared or not valid.
	SchemaInvalid
)

// NamedArg is one value of an argument that a rule names by its JSON path.
type NamedArg struct {
	Path  string // as the rule writes it: "to[]"
	Value Value
}

// Gate is a hard stop: the reason it denies with, and what it saw.
type Gate struct {
	Reason Reason
	Detail string
}

// Fact is one piece of information with its origin. A fact that nobody
// supplies is unknown, which is why facts are looked up in a map and never
// defaulted.
type Fact struct {
	Value  Value
	Source string
	Age    time.Duration
}
