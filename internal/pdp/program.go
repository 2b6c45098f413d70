package pdp

import (
	"time"

	"github.com/custos-zt/custos/access"
)

// Program is what a [Snapshot] is built from. Package policy writes it; it
// MUST NOT be used after it was given to [Build].
type Program struct {
	// Digest is "sha256:…" over the sources.
	Digest string
	// Backend is what the first file with a `backend:` means by patterns without
	// one, "" where none has it.
	Backend string
	// Rules stand in the order of the files.
	Rules []Rule
	// Tools are the facts declared under `tools:`, by "backend" or
	// "backend.tool".
	Tools map[string]Declaration
	// Labels are the declarations under `labels:`, in order.
	Labels []Label
	// Layers are the layers of the rules; the root need not be among them.
	Layers []Layer
	// Teams are all teams of the configuration.
	Teams []Team
	// AnyTeam is `team_membership: any`.
	AnyTeam bool
	// Observe is `observe: true`: what no rule grants is recorded and passes.
	Observe bool
	// Limits stand in the order of the files.
	Limits []Limit
	// Remembers says that labels of sessions are asked for, or left.
	Remembers bool
	// BreakGlass are the entries under `break_glass:`, by name.
	BreakGlass map[string]BreakGlass
}

// conditions counts the conditions of a program.
func (p *Program) conditions() int {
	n := 0
	for i := range p.Rules {
		n += len(p.Rules[i].Ops)
		for _, entry := range p.Rules[i].Unless {
			n += len(entry)
		}
	}
	for _, b := range p.BreakGlass {
		n += len(b.Who)
	}
	return n
}

// Rule is one rule with its conditions compiled.
type Rule struct {
	ID       string
	Position string // file:line
	Layer    string
	Effect   access.Effect
	Targets  []Target
	// Ops must all hold.
	Ops []Op
	// Unless lists exceptions; each is a list of conditions that must all hold.
	Unless [][]Op
	// NoGrant is `grants: false`: an approve rule that holds and never grants.
	NoGrant bool
	// ElseApprove is `else: approve`: an allow rule that holds a call, and
	// grants the hold, when its patterns, who, environment and behaviour
	// conditions are true, its what conditions not false, and an argument or
	// place condition is not true.
	ElseApprove bool
	// Monitor is `mode: monitor`: the rule counts as absent and only records
	// what it would have done.
	Monitor     bool
	Message     string
	Remediation string
	Approval    *Approval
	Returns     *Returns
	// AddLabels are the labels that an allowed call leaves on its session, Notify
	// the channels that are told of a match.
	AddLabels, Notify []string
	// To are the layers that a delegation names.
	To []string
	to []int32 // those that there are
	// Rate caps what an allow rule allows.
	Rate *Rate
	// Template is the template that made the rule; zero where none did.
	Template Origin
	// Liftable names the entries of `break_glass` that may lift the rule.
	Liftable []string
}

// Origin is where something that was written elsewhere comes from.
type Origin struct {
	Name     string `json:"name"`
	Position string `json:"position"` // file:line
}

// Approval says how a held call is answered. Zero fields are not set.
type Approval struct {
	Group     string
	Quorum    int
	Valid     time.Duration
	Wait      time.Duration
	Assurance string // host, code, passkey, remote
	Self      string // never, allowed
	Standing  *Standing
}

// Standing says that an answer may stand for later calls like this one.
type Standing struct {
	Max  time.Duration
	Uses int
	// Issue names how far every answer stands by itself: same, text, directory,
	// names or any; "" where whoever answers says so or not at all.
	Issue string
}

// Returns says what happens to the results of a call.
type Returns struct {
	// Marks maps "secrets" or a label to "redact" or "deny".
	Marks    map[string]string
	MaxBytes int64
}

// Declaration is one entry under `tools:`.
type Declaration struct {
	Facts access.ToolFacts
	// Has marks the fields that were written: an empty list is a fact too.
	Has FactFields
	// Known names an entry of the shipped registry.
	Known string
}

// FactFields is a set of fields of a [Declaration].
type FactFields uint16

// The fields that a declaration may set.
const (
	HasOps FactFields = 1 << iota
	HasBy
	HasSideEffects
	HasTier
	HasLabels
	HasPaths
	HasNotPaths
	HasURLs
	HasCommands
	HasSecrets
)

// Label is one entry under `labels:`: what carries the label.
type Label struct {
	Name    string
	Targets []Target
}
