package access

import (
	"strconv"
	"strings"
)

// StepUp is what a caller would have to prove of themselves for a call to pass
// that was denied with [StepUpRequired]. All of it has to hold (RFC 9470 words it
// for HTTP).
type StepUp struct {
	// ACR are authentication contexts, any one of which does; none asks for none.
	ACR []string `json:"acr,omitempty"`
	// MFA asks for more than one factor.
	MFA bool `json:"mfa,omitempty"`
	// MaxAgeS is how many seconds ago at most they proved it; 0 asks for nothing.
	MaxAgeS int64 `json:"max_age_s,omitempty"`
}

// String words it: "acr phr or phrh, more than one factor, at most 10m ago".
func (s *StepUp) String() string {
	var parts []string
	if len(s.ACR) > 0 {
		parts = append(parts, "acr "+strings.Join(s.ACR, " or "))
	}
	if s.MFA {
		parts = append(parts, "more than one factor")
	}
	if s.MaxAgeS > 0 {
		parts = append(parts, "at most "+seconds(s.MaxAgeS)+" ago")
	}
	return strings.Join(parts, ", ")
}

// seconds words a number of seconds in the largest unit that it fills: "10m".
func seconds(n int64) string {
	switch {
	case n%3600 == 0:
		return strconv.FormatInt(n/3600, 10) + "h"
	case n%60 == 0:
		return strconv.FormatInt(n/60, 10) + "m"
	default:
		return strconv.FormatInt(n, 10) + "s"
	}
}
