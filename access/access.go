// Package access is the vocabulary of Custos: what is asked, by whom, what is
// known about it, and what was answered.
//
// The words are those of NIST SP 800-207. A policy enforcement point builds a
// [Request]; a policy decision point answers it with a [Decision], whose
// [Effect] is allow, approve or deny and whose [Reason] is a stable code. What
// is not known is unknown, never absent: see [Fact].
//
// Every type here is a plain value. A Request MUST NOT be changed once it was
// handed to a decision; a Decision is never an error: a denial is a value, an
// error is a malfunction.
//
// The package imports the standard library alone, so that everything else can
// import it.
package access

import "fmt"

// Effect is what a decision says, and what a rule asks for.
type Effect uint8

const (
	// None is the absence of an answer; at the root it is a deny.
	None Effect = iota
	// Allow lets the request pass.
	Allow
	// Approve holds the request for a person.
	Approve
	// Deny refuses it. No person, lease or mode lifts a deny.
	Deny
	// Delegate is what a rule may ask for and no decision ever says: the layer
	// that the rule names decides.
	Delegate
)

// String returns "none", "allow", "approve", "deny" or "delegate".
func (e Effect) String() string {
	switch e {
	case Allow:
		return "allow"
	case Approve:
		return "approve"
	case Deny:
		return "deny"
	case Delegate:
		return "delegate"
	default:
		return "none"
	}
}

// MarshalText makes an effect a word in JSON.
func (e Effect) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads the word back; any other word is an error.
func (e *Effect) UnmarshalText(b []byte) error {
	for c := None; c <= Delegate; c++ {
		if c.String() == string(b) {
			*e = c
			return nil
		}
	}
	return fmt.Errorf("access: %q is not an effect", b)
}

// Truth is the outcome of a condition: what is not known to be true or false
// is unknown, and restricts.
type Truth uint8

const (
	// Unknown is the zero value on purpose: forgetting to answer restricts.
	Unknown Truth = iota
	// False means the condition does not hold.
	False
	// True means the condition holds for certain.
	True
)

// String returns "unknown", "false" or "true".
func (t Truth) String() string {
	switch t {
	case True:
		return "true"
	case False:
		return "false"
	default:
		return "unknown"
	}
}

// MarshalText makes a truth value a word in JSON.
func (t Truth) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads the word back; any other word is an error.
func (t *Truth) UnmarshalText(b []byte) error {
	for c := Unknown; c <= True; c++ {
		if c.String() == string(b) {
			*t = c
			return nil
		}
	}
	return fmt.Errorf("access: %q is not a truth value", b)
}

// Kind says what a request is about.
type Kind uint8

const (
	// Method is any MCP method that is not one of the kinds below.
	Method Kind = iota
	// Tool is a tools/call.
	Tool
	// Resource is a resources/read.
	Resource
	// Prompt is a prompts/get.
	Prompt
)

// String returns "method", "tool", "resource" or "prompt".
func (k Kind) String() string {
	switch k {
	case Tool:
		return "tool"
	case Resource:
		return "resource"
	case Prompt:
		return "prompt"
	default:
		return "method"
	}
}
