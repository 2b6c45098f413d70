package pdp

import (
	"regexp"
	"unicode/utf8"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
)

// Arg is the operand of [CodeArg]: one argument and what it must be.
type Arg struct {
	Path ArgPath
	Spec Spec
	// Optional makes an absent argument true, Skip makes it false; else it is
	// unknown.
	Optional, Skip bool
}

// Spec says what a value must be. Fields that are not set ask for nothing.
type Spec struct {
	Types    Types
	Enum     []access.Value
	Pattern  *Pattern
	Min, Max *Number
	// Length and Count bound the characters of a string and the items of an
	// array.
	Length, Count *Bounds
	Items         *Spec
	SameAs        *Reference
	Not           *Spec
}

// Bounds are inclusive.
type Bounds struct {
	Min, Max       int
	HasMin, HasMax bool
}

func (b *Bounds) hold(n int) access.Truth {
	return truth((!b.HasMin || n >= b.Min) && (!b.HasMax || n <= b.Max))
}

// Pattern is a regular expression, whole for grants and anywhere for
// restrictions.
type Pattern struct {
	whole, search *regexp.Regexp
}

// ParsePattern compiles a regular expression (RE2).
func ParsePattern(text string) (*Pattern, error) {
	search, err := regexp.Compile(text)
	if err != nil {
		return nil, err //nolint:wrapcheck // the message of regexp is what the author needs
	}
	whole, err := regexp.Compile(`\A(?:` + text + `)\z`)
	if err != nil {
		return nil, err //nolint:wrapcheck // as above
	}
	return &Pattern{whole: whole, search: search}, nil
}

// Types is a set of JSON types, with integer beside number.
type Types uint8

// The types.
const (
	TypeString Types = 1 << iota
	TypeInteger
	TypeNumber
	TypeBoolean
	TypeArray
	TypeObject
	TypeNull
)

func (t Types) admit(v access.Value) bool {
	switch v.Kind() {
	case access.String:
		return t&TypeString != 0
	case access.Number:
		return t&TypeNumber != 0 || t&TypeInteger != 0 && isInteger(v)
	case access.Bool:
		return t&TypeBoolean != 0
	case access.Array:
		return t&TypeArray != 0
	case access.Object:
		return t&TypeObject != 0
	case access.Null:
		return t&TypeNull != 0
	default:
		return false
	}
}

func (a *Arg) judge(e *evaluation, g reading) access.Truth {
	return a.at(e, e.r.Args, a.Path.steps, g)
}

// at follows the path through v. Where it passes through a list, all items
// count as they do under `items`.
func (a *Arg) at(e *evaluation, v access.Value, steps []step, g reading) access.Truth {
	for i, st := range steps {
		if st.each {
			return a.each(e, v, steps[i+1:], g)
		}
		if k := v.Kind(); k != access.Object && k != access.Absent {
			return access.Unknown
		}
		v = v.Get(st.key)
	}
	if v.IsAbsent() {
		return a.absent()
	}
	return a.Spec.judge(e, v, g)
}

func (a *Arg) each(e *evaluation, v access.Value, steps []step, g reading) access.Truth {
	switch {
	case v.IsAbsent() || v.Kind() == access.Array && v.Len() == 0:
		return a.absent()
	case v.Kind() != access.Array:
		return access.Unknown
	}
	t := truth(g == granting)
	for i := range v.Len() {
		one := a.at(e, v.At(i).Value, steps, g)
		if g == granting {
			t = and(t, one)
		} else {
			t = or(t, one)
		}
	}
	return t
}

func (a *Arg) absent() access.Truth {
	switch {
	case a.Skip:
		return access.False
	case a.Optional:
		return access.True
	default:
		return access.Unknown
	}
}

// judge asks whether v is what s says. A value of a type that a constraint
// cannot judge is unknown.
func (s *Spec) judge(e *evaluation, v access.Value, g reading) access.Truth {
	t := access.True
	if s.Types != 0 && !s.Types.admit(v) {
		t = access.Unknown
	}
	if len(s.Enum) > 0 {
		t = and(t, s.listed(v))
	}
	if s.Pattern != nil {
		t = and(t, s.Pattern.judge(v, g))
	}
	if s.Min != nil {
		order, known := s.Min.order(v)
		t = and(t, known.holds(order >= 0))
	}
	if s.Max != nil {
		order, known := s.Max.order(v)
		t = and(t, known.holds(order <= 0))
	}
	if s.Length != nil {
		t = and(t, s.length(v))
	}
	if s.Count != nil {
		t = and(t, s.count(v))
	}
	if s.Items != nil {
		t = and(t, s.items(e, v, g))
	}
	if s.SameAs != nil {
		t = and(t, s.SameAs.judge(e, v))
	}
	if s.Not != nil {
		t = and(t, not(s.Not.judge(e, v, g.other())))
	}
	return t
}

// listed asks for one of the values of the enum. A value of another JSON type
// than all of them is mistyped, not different.
func (s *Spec) listed(v access.Value) access.Truth {
	t := access.Unknown
	for _, w := range s.Enum {
		if w.Kind() != v.Kind() {
			continue
		}
		if v.Kind() == access.String && v.Text() == w.Text() || v.Kind() != access.String && canon.EqualValues(v, w) {
			return access.True
		}
		t = access.False
	}
	return t
}

func (p *Pattern) judge(v access.Value, g reading) access.Truth {
	if v.Kind() != access.String {
		return access.Unknown
	}
	if g == granting {
		return truth(p.whole.MatchString(v.Text()))
	}
	return truth(p.search.MatchString(v.Text()))
}

func (s *Spec) length(v access.Value) access.Truth {
	if v.Kind() != access.String {
		return access.Unknown
	}
	return s.Length.hold(utf8.RuneCountInString(v.Text()))
}

func (s *Spec) count(v access.Value) access.Truth {
	if v.Kind() != access.Array {
		return access.Unknown
	}
	return s.Count.hold(v.Len())
}

// items asks for all items on a grant and for one on a restriction.
func (s *Spec) items(e *evaluation, v access.Value, g reading) access.Truth {
	if v.Kind() != access.Array {
		return access.Unknown
	}
	t := truth(g == granting)
	for i := range v.Len() {
		one := s.Items.judge(e, v.At(i).Value, g)
		if g == granting {
			t = and(t, one)
		} else {
			t = or(t, one)
		}
	}
	return t
}
