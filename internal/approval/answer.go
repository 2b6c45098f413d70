package approval

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/custos-zt/custos/access"
)

// Assurance says how sure it is that a person answered: see architecture.md §6.
type Assurance string

// The assurances, least first.
const (
	Host    Assurance = "host"    // the agent's own machine and user could have answered
	Code    Assurance = "code"    // a single-use code of a device
	Passkey Assurance = "passkey" // verification of the user over this call
	Remote  Assurance = "remote"  // another device, and not the requester's
)

// rank orders assurances; an unknown word ranks above all, so that a rule that
// asks for it is never satisfied.
func (a Assurance) rank() int {
	switch a {
	case "", Host:
		return 1
	case Code:
		return 2
	case Passkey:
		return 3
	case Remote:
		return 4
	default:
		return 5
	}
}

// AtLeast reports whether a is as good as what is asked for.
func (a Assurance) AtLeast(least Assurance) bool {
	return a.rank() >= least.rank() && a.rank() <= Remote.rank() && a != ""
}

// Person is who answers, as the channel knows them.
type Person struct {
	ID     string   // issuer:id
	Groups []string // "" where none is proven
}

// Vote is one person's answer to one request.
type Vote struct {
	access.Answer
	Groups []string `json:"groups,omitempty"`
	// Standing says how far the answer shall stand, nil for this one call.
	Standing *Terms `json:"standing,omitempty"`
}

// Errors of an answer that does not count. The texts are for whoever answers.
var (
	ErrSelf      = errors.New("you asked for this call yourself, and the rule that holds it wants another person")
	ErrAssurance = errors.New("this way of answering is not sure enough")
	ErrGroup     = errors.New("the rule that holds this call wants somebody of another group")
	ErrUnknown   = errors.New("who answers is not known")
)

// TooManyError says that a principal has as many open requests as it may have.
type TooManyError struct{ Open int }

// Error says it to the caller.
func (e *TooManyError) Error() string {
	return fmt.Sprintf("%d of your calls wait for a person already", e.Open)
}

// Check says why an answer would not count for any of the rules, or nil. A
// refusal always counts: to tighten takes no proof.
func Check(r *Request, v *Vote) error {
	if !v.Allow {
		return nil
	}
	if v.By == "" {
		return ErrUnknown
	}
	for i := range r.Rules {
		rule := &r.Rules[i]
		if rule.NotSelf && v.By == r.Subject {
			return ErrSelf
		}
		if !Assurance(v.Assurance).AtLeast(rule.Assurance) {
			return fmt.Errorf("%w: rule %s wants %s, and this is %s", ErrAssurance, rule.ID, rule.Assurance, v.Assurance)
		}
	}
	if v.Standing != nil {
		if err := CheckTerms(r.Rules, v.Standing); err != nil {
			return err
		}
	}
	for i := range r.Rules {
		if rule := &r.Rules[i]; rule.Group == "" || slices.Contains(v.Groups, rule.Group) {
			return nil
		}
	}
	return fmt.Errorf("%w: %s", ErrGroup, strings.Join(groups(r.Rules), ", "))
}

func groups(rules []Rule) []string {
	var out []string
	for i := range rules {
		if g := rules[i].Group; g != "" && !slices.Contains(out, g) {
			out = append(out, g)
		}
	}
	return out
}

// Granted reports whether these votes satisfy every rule that holds the call:
// each wants its quorum of different people, of its group, and one refusal
// refuses.
func Granted(r *Request, votes []Vote) bool {
	for i := range r.Rules {
		if missing(r, &r.Rules[i], votes) > 0 {
			return false
		}
	}
	return len(r.Rules) > 0
}

// Missing is how many people at least have still to answer.
func Missing(r *Request, votes []Vote) int {
	most := 0
	for i := range r.Rules {
		most = max(most, missing(r, &r.Rules[i], votes))
	}
	return most
}

func missing(r *Request, rule *Rule, votes []Vote) int {
	var by []string
	for i := range votes {
		v := &votes[i]
		if !v.Allow || v.By == "" || rule.NotSelf && v.By == r.Subject ||
			!Assurance(v.Assurance).AtLeast(rule.Assurance) ||
			rule.Group != "" && !slices.Contains(v.Groups, rule.Group) || slices.Contains(by, v.By) {
			continue
		}
		by = append(by, v.By)
	}
	return max(0, max(1, rule.Quorum)-len(by))
}
