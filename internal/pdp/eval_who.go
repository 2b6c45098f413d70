package pdp

import (
	"slices"
	"strings"

	"github.com/custos-zt/custos/access"
)

// subjects asks who calls.
func (e *evaluation) subjects(op *op) access.Truth {
	s := &e.r.Subject
	if !s.Known {
		return access.Unknown
	}
	who := list(e.s.principals, op)
	for i := range who {
		if who[i].names(s.Issuer, s.ID) {
			return access.True
		}
	}
	return access.False
}

// held asks for one of the groups or roles of the subject.
func (e *evaluation) held(op *op, has []string) access.Truth {
	s := &e.r.Subject
	if !s.Known {
		return access.Unknown
	}
	who := list(e.s.principals, op)
	for _, h := range has {
		for i := range who {
			if who[i].names(s.Issuer, h) {
				return access.True
			}
		}
	}
	return access.False
}

// word asks for one property of the subject; an empty one is unknown.
func (e *evaluation) word(op *op, has string) access.Truth {
	if !e.r.Subject.Known || has == "" {
		return access.Unknown
	}
	return truth(slices.Contains(list(e.s.words, op), has))
}

// clients looks at what the client calls itself. It is a hint: it may
// restrict, and it is never certain enough to grant.
func (e *evaluation) clients(op *op, g reading) access.Truth {
	if e.r.Client == "" || g == granting {
		return access.Unknown
	}
	for _, n := range list(e.s.words, op) {
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
	return truth(anyMatches(list(e.s.globs, op), e.r.Agent))
}
