package pdp

import (
	"slices"
	"strings"

	"github.com/custos-zt/custos/access"
)

// subjects asks who calls.
func (e *evaluation) subjects(op *Op) access.Truth {
	s := &e.r.Subject
	if !s.Known {
		return access.Unknown
	}
	for _, n := range op.Names {
		if named := qualified(n, s.Issuer, s.ID); named {
			return access.True
		}
	}
	return access.False
}

// held asks for one of the groups or roles of the subject.
func (e *evaluation) held(op *Op, has []string) access.Truth {
	s := &e.r.Subject
	if !s.Known {
		return access.Unknown
	}
	for _, h := range has {
		for _, n := range op.Names {
			if qualified(n, s.Issuer, h) {
				return access.True
			}
		}
	}
	return access.False
}

// qualified reports whether the pattern `issuer:name`, or a bare name, is
// meant. A `*` at the end is any rest.
func qualified(pattern, issuer, name string) bool {
	if strings.IndexByte(pattern, ':') < 0 || issuer == "" {
		return ends(pattern, name)
	}
	rest, ok := strings.CutPrefix(pattern, issuer)
	if !ok || rest == "" || rest[0] != ':' {
		return false
	}
	return ends(rest[1:], name)
}

func ends(pattern, name string) bool {
	if head, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(name, head)
	}
	return pattern == name
}

// word asks for one property of the subject; an empty one is unknown.
func (e *evaluation) word(op *Op, has string) access.Truth {
	if !e.r.Subject.Known || has == "" {
		return access.Unknown
	}
	return truth(slices.Contains(op.Names, has))
}

// clients looks at what the client calls itself. It is a hint: it may
// restrict, and it is never certain enough to grant.
func (e *evaluation) clients(op *Op, g reading) access.Truth {
	if e.r.Client == "" || g == granting {
		return access.Unknown
	}
	for _, n := range op.Names {
		if strings.EqualFold(n, e.r.Client) {
			return access.True
		}
	}
	return access.False
}

// agents asks for a proven software identity.
func (e *evaluation) agents(op *Op) access.Truth {
	if e.r.Agent == "" {
		return access.Unknown
	}
	return truth(anyMatches(op.Globs, e.r.Agent))
}
