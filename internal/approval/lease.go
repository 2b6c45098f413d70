package approval

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// A lease is a narrow, expiring, counted permission. It answers what rules hold
// for a person, in that person's place, and nothing else: what a rule denies
// stays denied, and what nothing grants stays refused. It is bound to whom it is
// for, to a [Scope] of calls, and to the rules that it answers; it counts only
// while the policy in force still holds the call by those rules and still lets
// answers to them stand. A lease of `break_glass` answers nothing: it lifts the
// rules that are marked with its name.

// Origin says where a lease comes from.
type Origin string

// The origins.
const (
	FromAnswer     Origin = "standing"    // an answer to a held call that stands for later ones
	FromGrant      Origin = "grant"       // custos leases grant
	FromPolicy     Origin = "policy"      // the rule issues one with every answer
	FromBreakGlass Origin = "break-glass" // custos break-glass
)

// Lease is what was agreed on when a lease was made. It never changes; how often
// it was used and whether it still counts is kept by package book.
type Lease struct {
	Origin Origin `json:"origin"`
	// Subject is whom it is for, Agent the proven identity of the software, ""
	// for none. Client and Root are those of the session, "" for any.
	Subject string `json:"subject"`
	Agent   string `json:"agent,omitempty"`
	Client  string `json:"client,omitempty"`
	Root    string `json:"root,omitempty"`
	// Scope says which calls it is about. A lease of break_glass has none: the
	// rules that it lifts say what they are about.
	Scope Scope `json:"scope,omitzero"`
	// Secrets are the arguments in Scope whose values are shown to nobody.
	Secrets [][]string `json:"secrets,omitempty"`
	// Instance and Definition are the server and the tool's definition that it is
	// bound to, once Bound says so: at the latest by its first use.
	Bound      bool     `json:"bound,omitempty"`
	Instance   string   `json:"instance,omitempty"`
	Definition [32]byte `json:"definition,omitzero"`
	// Rules are those that it answers, as they were; Glass is the entry of
	// `break_glass` that it opens.
	Rules []Rule `json:"rules,omitempty"`
	Glass string `json:"break_glass,omitempty"`
	// Uses is how many calls it lets pass, For how long it counts, and Idle how
	// long it lives without being used; 0 is for all of its time.
	Uses int  `json:"uses"`
	For  Span `json:"for"`
	Idle Span `json:"idle,omitempty"`
	// Review is after how long somebody has to look at what was done; 0: nobody.
	Review  Span   `json:"review,omitempty"`
	Purpose string `json:"purpose,omitempty"`
	// Notify names the channels that are told what becomes of it.
	Notify []string `json:"notify,omitempty"`
	// Request is the id of the request that people answered, and Votes are their
	// answers: they must satisfy the rules as they are when the lease is used.
	Request string `json:"request,omitempty"`
	Votes   []Vote `json:"votes,omitempty"`
}

// LeaseState says whether a lease counts.
type LeaseState string

// The states. A live lease may become any other; those are final.
const (
	LeaseLive    LeaseState = "live"
	LeaseSpent   LeaseState = "used" // as often as it could be
	LeaseExpired LeaseState = "expired"
	LeaseIdle    LeaseState = "idle" // it ended because nobody used it
	LeaseRevoked LeaseState = "revoked"
)

// Standing says how a rule lets an answer stand for later calls.
type Standing struct {
	Allowed bool          `json:"allowed"`
	Max     time.Duration `json:"max,omitempty"`  // 0 is [DefaultStanding]
	Uses    int           `json:"uses,omitempty"` // 0: the rule sets no bound
	// Issue names the [Candidate] that every answer opens as a lease, "" for none.
	Issue string `json:"issue,omitempty"`
}

const (
	// DefaultStanding is how long an answer may stand where the rule says nothing.
	DefaultStanding = 8 * time.Hour
	// DefaultUses is how often a lease counts where nobody says.
	DefaultUses = 20
	// MaxUses bounds what may be asked for.
	MaxUses = 100_000
	// DefaultIdle is how long a lease lives without being used.
	DefaultIdle = time.Hour
)

// longest is how long answers to a rule may stand.
func (s Standing) longest() time.Duration {
	if s.Max <= 0 {
		return DefaultStanding
	}
	return s.Max
}

// Terms are how far an answer shall stand: for what, how often and how long.
type Terms struct {
	Scope Scope `json:"scope"`
	// AnyClient says that it counts for other client programs too.
	AnyClient bool `json:"any_client,omitempty"`
	Uses      int  `json:"uses"`
	For       Span `json:"for"`
	Idle      Span `json:"idle,omitempty"`
}

// Glass is an entry of `break_glass` as the policy in force has it: its name, and
// what it asks of those who approve it, as a rule.
type Glass struct {
	Name string
	Rule Rule
}

// Errors of a lease. The texts are for whoever asks for it.
var (
	ErrNoStanding = errors.New("the rule does not let an answer stand for later calls")
	ErrTerms      = errors.New("the rule does not let an answer stand this far")
	ErrOutside    = errors.New("it would not cover the call that is asked about")
)

// CheckTerms says why answers to these rules may not stand that far, or nil. All
// rules must let them.
func CheckTerms(rules []Rule, t *Terms) error {
	if len(rules) == 0 {
		return ErrNoStanding
	}
	for i := range rules {
		r := &rules[i]
		switch {
		case !r.Standing.Allowed:
			return fmt.Errorf("%w: rule %s", ErrNoStanding, r.ID)
		case t.Uses < 1 || t.Uses > MaxUses:
			return fmt.Errorf("%w: %d calls", ErrTerms, t.Uses)
		case r.Standing.Uses > 0 && t.Uses > r.Standing.Uses:
			return fmt.Errorf("%w: rule %s allows %d calls at most", ErrTerms, r.ID, r.Standing.Uses)
		case t.For <= 0 || time.Duration(t.For) > r.Standing.longest():
			return fmt.Errorf("%w: rule %s allows %s at most", ErrTerms, r.ID, Span(r.Standing.longest()))
		}
	}
	return nil
}

// DefaultTerms are how far answers to these rules stand where nobody says: as
// long as they let them, and as often, or [DefaultUses] times.
func DefaultTerms(rules []Rule) Terms {
	t := Terms{For: Span(DefaultStanding)}
	for i := range rules {
		s := &rules[i].Standing
		if i == 0 || s.longest() < time.Duration(t.For) {
			t.For = Span(s.longest())
		}
		if s.Uses > 0 && (t.Uses == 0 || s.Uses < t.Uses) {
			t.Uses = s.Uses
		}
	}
	if t.Uses == 0 {
		t.Uses = DefaultUses
	}
	t.Idle = min(t.For, Span(DefaultIdle))
	return t
}

// Answers says why a lease does not answer these rules, which hold a call now,
// or nil: it must name each of them, each must still let answers stand as far
// as this one goes, and those who made the lease must be enough for what each
// asks for now. term is that of the lease, and used how often it was.
func (l *Lease) Answers(now []Rule, term Term, used int, at Moment) error {
	if len(now) == 0 {
		return ErrNoStanding
	}
	for i := range now {
		r := &now[i]
		switch {
		case !slices.ContainsFunc(l.Rules, func(named Rule) bool { return named.ID == r.ID }):
			return fmt.Errorf("%w: rule %s is not among those it answers", ErrOutside, r.ID)
		case !r.Standing.Allowed:
			return fmt.Errorf("%w: rule %s", ErrNoStanding, r.ID)
		case r.Standing.Uses > 0 && used >= r.Standing.Uses:
			return fmt.Errorf("%w: rule %s allows %d calls", ErrTerms, r.ID, r.Standing.Uses)
		case !term.since(l.For).shortened(r.Standing.longest()).Live(at):
			return fmt.Errorf("%w: rule %s allows %s", ErrTerms, r.ID, Span(r.Standing.longest()))
		}
	}
	if !Granted(&Request{Subject: l.Subject, Rules: now}, l.Votes) {
		return fmt.Errorf("%w: the rules ask for more now", ErrAssurance)
	}
	return nil
}

// since restores when a term of this length began by the clock that only
// counts.
func (t Term) since(length Span) Term {
	t.From.Since, t.From.Boot = t.Until.Since-time.Duration(length), t.Until.Boot
	return t
}

// shortened ends a term after this length, if it does not end before.
func (t Term) shortened(length time.Duration) Term {
	if short := NewTerm(t.From, length); short.Until.Wall.Before(t.Until.Wall) {
		return short
	}
	return t
}
