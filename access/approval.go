package access

import "time"

// Approval is where a held call stands with the people who may allow it.
type Approval struct {
	// ID is what people answer: "a_91".
	ID    string        `json:"id"`
	State ApprovalState `json:"state"`
	// Rules are the ids of the rules that hold the call, sorted.
	Rules []string `json:"rules,omitempty"`
	// Answers are what people said so far, one for each of them.
	Answers []Answer `json:"answers,omitempty"`
	// Expires is when the request or, once granted, the grant ends by itself.
	Expires time.Time `json:"expires,omitzero"`

	// Wait is how long the call itself may wait for an answer; Valid is how long
	// an answer counts for a repetition of the call.
	Wait  time.Duration `json:"-"`
	Valid time.Duration `json:"-"`
	// New says that this decision opened the request: it is to be recorded and
	// shown to people. Otherwise it was open already.
	New bool `json:"-"`
}

// ApprovalState says where a request for approval stands.
type ApprovalState string

// The states. Pending may become any other; granted becomes used, expired,
// denied or superseded; the others are final.
const (
	ApprovalOpen       ApprovalState = "pending"
	ApprovalAllowed    ApprovalState = "granted"
	ApprovalRefused    ApprovalState = "denied"
	ApprovalLapsed     ApprovalState = "expired"
	ApprovalUsed       ApprovalState = "used"
	ApprovalSuperseded ApprovalState = "superseded" // policy, definition or backend changed
)

// Answer is what one person said.
type Answer struct {
	Allow bool `json:"allow"`
	// By is who answered, as far as the channel knows: issuer:id.
	By string `json:"by"`
	// Channel is how they were asked, Assurance how sure it is that a person was
	// there: host, code, passkey or remote.
	Channel   string    `json:"channel"`
	Assurance string    `json:"assurance"`
	At        time.Time `json:"at"`
}
