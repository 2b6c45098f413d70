package pdp

import (
	"strings"

	"github.com/custos-zt/custos/access"
)

// RoleSet is a set of place roles.
type RoleSet uint8

// Role sets of the three fields.
const (
	RolesPaths RoleSet = 1<<access.RolePath | 1<<access.RoleFrom | 1<<access.RoleTo
	RolesFrom  RoleSet = 1 << access.RoleFrom
	RolesTo    RoleSet = 1 << access.RoleTo
)

func (s RoleSet) has(r access.PlaceRole) bool { return s&(1<<r) != 0 }

// Places is the operand of [CodePlaces]: `paths`, `from` or `to`.
type Places struct {
	Roles  RoleSet
	Match  []PathPattern
	Except []PathPattern
	// None is `none: match`: true where the call has no such value.
	None bool
}

func (p *Places) judge(r *access.Request, g reading) access.Truth {
	if g == granting {
		return p.certain(r)
	}
	return p.suspect(r)
}

// certain asks whether every declared place lies wholly within the patterns.
func (p *Places) certain(r *access.Request) access.Truth {
	t, n := access.True, 0
	for i := range r.Places {
		pl := &r.Places[i]
		if !pl.Declared || !p.Roles.has(pl.Role) {
			continue
		}
		n++
		t = and(t, p.within(pl))
	}
	if n > 0 {
		return t
	}
	if p.None && unread(r) {
		return access.Unknown
	}
	return none(p.None, r)
}

// within asks whether every reading of the place matches and none is excepted.
func (p *Places) within(pl *access.Place) access.Truth {
	for _, s := range pl.Readings {
		if !anyMatches(p.Match, s) {
			return access.False
		}
	}
	if len(p.Except) > 0 && p.touches(p.Except, pl) {
		return access.False
	}
	if pl.Refused || !pl.Grantable || len(pl.Readings) == 0 {
		return access.Unknown
	}
	return access.True
}

// suspect asks whether any place may lie within the patterns. A place that is
// not declared as a path may be either end of the call.
func (p *Places) suspect(r *access.Request) access.Truth {
	n := 0
	for i := range r.Places {
		pl := &r.Places[i]
		if pl.Declared && !p.Roles.has(pl.Role) {
			continue
		}
		n++
		if p.touches(p.Match, pl) && !p.exempt(pl) {
			return access.True
		}
	}
	if n > 0 {
		return access.False
	}
	return none(p.None, r)
}

// touches reports whether any reading of the place matches, also when folded.
func (p *Places) touches(patterns []PathPattern, pl *access.Place) bool {
	for _, list := range [...][]string{pl.Readings, pl.Suspect} {
		for _, s := range list {
			if anyMatches(patterns, s) {
				return true
			}
		}
	}
	for _, s := range pl.Folded {
		if anyFolds(patterns, s) {
			return true
		}
	}
	return false
}

// exempt reports whether every reading of the place is excepted.
func (p *Places) exempt(pl *access.Place) bool {
	if len(p.Except) == 0 {
		return false
	}
	for _, list := range [...][]string{pl.Readings, pl.Suspect} {
		for _, s := range list {
			if !anyMatches(p.Except, s) {
				return false
			}
		}
	}
	return len(pl.Readings)+len(pl.Suspect) > 0
}

// none is the truth of a place condition for a call without such a value: false,
// with `none: match` true, but only unknown for a tool that nothing describes.
func none(match bool, r *access.Request) access.Truth {
	switch {
	case !match:
		return access.False
	case r.Kind == access.Tool && !r.Tool.Described:
		return access.Unknown
	default:
		return access.True
	}
}

// unread reports whether an argument that is declared as a path was sent and
// is none: an object, a number.
func unread(r *access.Request) bool {
	for i := range r.Tool.Paths {
		head, _, _ := strings.Cut(r.Tool.Paths[i].Arg, ".")
		head, _, _ = strings.Cut(head, "[")
		if k := r.Args.Get(head).Kind(); k != access.Absent && k != access.Null {
			return true
		}
	}
	return false
}
