package pdp

import (
	"slices"
	"strings"

	"github.com/custos-zt/custos/access"
)

// word asks for one property of the subject; an empty one is unknown.
func (e *evaluation) word(op *op, has string) access.Truth {
	if !e.r.Subject.Known || has == "" {
		return access.Unknown
	}
	return truth(slices.Contains(operandsOf(e.s.words, op), has))
}

// clients looks at what the client calls itself. It is a hint: it may
// restrict, and it is never certain enough to grant.
func (e *evaluation) clients(op *op, g reading) access.Truth {
	if e.r.Client == "" || g == granting {
		return access.Unknown
	}
	for _, n := range operandsOf(e.s.words, op) {
		if strings.EqualFold(n, e.r.Client) {
			return access.True
		}
	}
	return access.False
}

// agents asks for a proven software identity.
func (e *evaluation) agents(op *op) access.Truth {
	if e.r.Agent == "" {
		return access.Unknown
	}
	return truth(anyMatches(operandsOf(e.s.globs, op), e.r.Agent))
}
