package approval

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"github.com/custos-zt/custos/access"
)

// Request is one held call, with everything that an answer is bound to.
type Request struct {
	// Act is "" for a call. With [ActAsk] the guarded server asks something of the
	// client, and waits like a call. Otherwise nothing is held: somebody asks for a
	// lease, which people's answers make. No call of an agent has an act.
	Act Act
	// Subject is issuer:id of the person behind the agent, Agent the proven
	// identity of the software, "" where there is none.
	Subject, Agent string
	// Client is what the client program calls itself and Root where it works:
	// with the subject they are the session's binding. A client that reconnects
	// is bound alike.
	Client, Root string
	// Backend is the guarded server's name and Instance the digest of how it is
	// started.
	Backend, Instance string

	Kind   access.Kind
	Method string
	Name   string // of the tool, prompt or resource
	// Definition is the digest of the tool's definition; zero where there is
	// none.
	Definition [32]byte
	// Digest is that of method and params: see canon.RequestDigest.
	Digest [32]byte
	// Params is the raw JSON that was digested, for people to see.
	Params string
	// Secrets are the places in the arguments that the tool declares as secrets:
	// the keys that lead there, "" into every item of a list. They are shown to
	// nobody, and nothing is bound to them.
	Secrets [][]string
	// Paths are the arguments that are paths for certain. They follow from the
	// call, and nothing is bound to them.
	Paths []string

	// Policy is the digest of the policy that holds the call, and Rules all of
	// its rules that do.
	Policy string
	Rules  []Rule
}

// Rule is one rule that holds the call, and what it asks of an answer.
type Rule struct {
	ID       string `json:"id"`
	Position string `json:"position"`
	// Group must hold the approvers, Quorum of them; 0 is 1.
	Group  string `json:"group,omitempty"`
	Quorum int    `json:"quorum,omitempty"`
	// Assurance is the least that an answer must have; "" is host.
	Assurance Assurance `json:"assurance,omitempty"`
	// NotSelf keeps those who ask from answering.
	NotSelf bool          `json:"not_self,omitempty"`
	Valid   time.Duration `json:"valid,omitempty"`
	Wait    time.Duration `json:"wait,omitempty"`
	// Standing says whether and how far an answer may stand for later calls.
	Standing Standing `json:"standing,omitzero"`
}

// Act is what a request asks for that holds no call of an agent.
type Act string

// The acts.
const (
	ActLease      Act = "lease"
	ActBreakGlass Act = "break-glass"
	// ActAsk is a request of the guarded server. An answer to it counts once and
	// never stands: what one server asked, another one or a client may not.
	ActAsk Act = "ask"
)

// Holds reports whether a message waits for the answer.
func (r *Request) Holds() bool { return r.Act == "" || r.Act == ActAsk }

// Binding is the digest that a grant and the call that uses it must share:
// everything but the rules, which are compared by [Covers].
func (r *Request) Binding() [32]byte {
	return digest("binding"+string(r.Act), r.Subject, r.Agent, r.Client, r.Root, r.Backend, r.Instance,
		r.Kind.String(), r.Method, r.Name, string(r.Definition[:]), string(r.Digest[:]), r.Policy)
}

// Call is the digest of the call itself: what stays the same where policy,
// definition or backend change under a request.
func (r *Request) Call() [32]byte {
	return digest("call"+string(r.Act), r.Subject, r.Agent, r.Client, r.Root, r.Backend, r.Method, r.Name, string(r.Digest[:]))
}

// Asked is the digest that a refusal is remembered by. It leaves out what an
// agent can change by connecting anew.
func (r *Request) Asked() [32]byte {
	if r.Act == ActBreakGlass {
		return digest("asked"+string(r.Act), r.Subject, r.Agent, r.Name) // whatever for
	}
	return digest("asked"+string(r.Act), r.Subject, r.Agent, r.Backend, r.Method, r.Name, string(r.Digest[:]))
}

// Principal names whose open requests are counted together. Calls of agents do
// not keep a person from asking for a lease, nor questions of a server the calls
// of an agent from being asked about.
func (r *Request) Principal() string {
	if r.Act == ActAsk {
		return string(r.Act) + " of " + r.Backend + " for " + r.Subject
	}
	if r.Act != "" {
		return string(r.Act) + " for " + r.Subject
	}
	return r.Subject + " " + r.Agent
}

// digest is unambiguous: every part is preceded by its length.
func digest(parts ...string) (out [32]byte) {
	h := sha256.New()
	var n [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	h.Sum(out[:0])
	return out
}

// RuleIDs returns the ids of the rules, sorted.
func RuleIDs(rules []Rule) []string {
	out := make([]string, len(rules))
	for i := range rules {
		out[i] = rules[i].ID
	}
	slices.Sort(out)
	return out
}

// Covers reports whether an answer to the rules in granted answers all rules
// that hold now.
func Covers(granted, now []Rule) bool {
	for i := range now {
		if !slices.ContainsFunc(granted, func(g Rule) bool { return g == now[i] }) {
			return false
		}
	}
	return len(now) > 0
}

// Valid is how long a grant waits for its call: the shortest that a rule says.
func (r *Request) Valid() time.Duration {
	return shortest(r.Rules, DefaultValid, func(r *Rule) time.Duration { return r.Valid })
}

// Wait is how long the call itself waits for an answer, by default otherwise.
func (r *Request) Wait(otherwise time.Duration) time.Duration {
	return shortest(r.Rules, otherwise, func(r *Rule) time.Duration { return r.Wait })
}

func shortest(rules []Rule, otherwise time.Duration, of func(*Rule) time.Duration) time.Duration {
	least := time.Duration(0)
	for i := range rules {
		if d := of(&rules[i]); d > 0 && (least == 0 || d < least) {
			least = d
		}
	}
	if least == 0 {
		return otherwise
	}
	return least
}
