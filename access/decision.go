package access

// Decision answers one [Request]. The zero Decision is no answer and MUST be
// treated as a deny.
type Decision struct {
	Effect Effect `json:"effect"`
	Reason Reason `json:"reason"`
	// Rule is the id of the determining rule, "" where none determined.
	Rule string `json:"rule,omitempty"`
	// Position is the rule's file:line, "" where none determined.
	Position string `json:"position,omitempty"`
	// Layer is the layer that determined the outcome.
	Layer string `json:"layer,omitempty"`
	// Matched names every rule that matched, in order of the files. Nothing is
	// short-circuited.
	Matched []Match `json:"matched"`
	// PolicyDigest is "sha256:…" of the policy that decided.
	PolicyDigest string `json:"policy_digest"`
	// Message and Remediation are the rule's own words, or a default text.
	Message     string `json:"message,omitempty"`
	Remediation string `json:"remediation,omitempty"`
	// Shown is the value of the call that Message repeats, "" where it repeats
	// none: what is told to the caller and does not belong into a record.
	Shown string `json:"-"`
	// Nearest is the rule that came nearest to a grant, where none granted.
	Nearest *Nearest `json:"-"`
	// AddLabels are the labels that the call leaves on its session where it
	// passes, Notify the channels that are told.
	AddLabels []string `json:"add_labels,omitempty"`
	Notify    []string `json:"notify,omitempty"`
	// Hidden is true where the requested item is hidden from this caller: it
	// is answered exactly like one that does not exist.
	Hidden bool `json:"hidden,omitempty"`
	// Approval is set where a person has to answer, or has.
	Approval *Approval `json:"approval,omitempty"`
	// StepUp is what the caller would have to prove for the call to pass, where
	// Reason is [StepUpRequired].
	StepUp *StepUp `json:"step_up,omitempty"`
	// Lease is the id of the lease that answered what a rule holds, or lifted what
	// one restricts; of several, separated by commas.
	Lease string `json:"lease,omitempty"`
}

// Match is one rule that matched, with how it acted.
type Match struct {
	Rule     string `json:"rule"`
	Effect   Effect `json:"effect"`
	Truth    Truth  `json:"truth"` // true, or unknown where only suspicion restricts
	Position string `json:"position"`
	// Monitor says that the rule only records what it would have done.
	Monitor bool `json:"monitor,omitempty"`
	// Lifted says that a live break-glass lease lifts what the rule restricts.
	Lifted bool `json:"lifted,omitempty"`
	// Open lists the conditions that were not true: none for a rule that matched
	// for certain.
	Open []Condition `json:"open,omitempty"`
}

// Condition is what one condition of a rule came to.
type Condition struct {
	Field string `json:"field"` // as the rule names it: "args.limit"
	Truth Truth  `json:"truth"`
}

// Nearest is a rule that would have granted, had its open conditions been true.
type Nearest struct {
	Rule     string      `json:"rule"`
	Position string      `json:"position"`
	Open     []Condition `json:"open,omitempty"`
}

// Denied reports whether the request must not be forwarded now.
func (d *Decision) Denied() bool { return d.Effect != Allow }

// Refuse makes d a deny with this reason and message and clears what a policy
// had said. Used for every malfunction and gate.
func (d *Decision) Refuse(r Reason, message string) {
	*d = Decision{Effect: Deny, Reason: r, Message: message, PolicyDigest: d.PolicyDigest, Matched: d.Matched}
}
