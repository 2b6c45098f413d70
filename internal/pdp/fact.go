package pdp

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/custos-zt/custos/access"
)

// FactTest is the operand of [CodeFact]: one supplied fact and what it must
// be. It is unknown where nobody supplied the fact, where the fact comes from
// another source or is too old, and where its value is none that the fact can
// have.
type FactTest struct {
	// Fact is the name: "device.compliant".
	Fact string
	// Valid says which values the fact can have; nil is any.
	Valid *Spec
	// MaxAge is the age beyond which the fact is not known any more; 0 is any.
	MaxAge time.Duration
	// Sources are those that count; none is all.
	Sources []string

	// One of these is set.

	// Spec is what the value must be.
	Spec *Spec
	// Words is a list that a list of words is compared with: all of it for a
	// grant, one of it for a restriction, or one of it in both with One.
	Words []string
	One   bool
	// Prefixes are networks, one of which holds the address.
	Prefixes []netip.Prefix
	// Within bounds what the value in seconds has grown to by now. With Proof
	// what is older proves nothing any more: it is unknown, not false.
	Within time.Duration
	Proof  bool
}

func (f *FactTest) judge(e *evaluation, g reading) access.Truth {
	fact, ok := e.r.Facts[f.Fact]
	if !ok || f.doubt(&fact) != "" {
		return access.Unknown
	}
	v := fact.Value
	if f.Valid != nil && f.Valid.judge(e, v, granting) != access.True {
		return access.Unknown
	}
	switch {
	case f.Spec != nil:
		return f.Spec.judge(e, v, g)
	case f.Words != nil:
		return f.listed(v, g)
	case f.Prefixes != nil:
		return f.inside(v)
	default:
		return f.within(v, fact.Age)
	}
}

// doubt says why a supplied fact does not count, or "".
func (f *FactTest) doubt(fact *access.Fact) string {
	switch {
	case f.MaxAge > 0 && (fact.Age > f.MaxAge || fact.Age < 0):
		return "too old"
	case len(f.Sources) > 0 && !contains(f.Sources, fact.Source):
		return "from another source"
	default:
		return ""
	}
}

// listed compares a list of words.
func (f *FactTest) listed(v access.Value, g reading) access.Truth {
	if v.Kind() != access.Array {
		return access.Unknown
	}
	in := 0
	for i := range v.Len() {
		w := v.At(i).Value
		if w.Kind() != access.String {
			return access.Unknown
		}
		if contains(f.Words, w.Text()) {
			in++
		}
	}
	if g == granting && !f.One {
		return truth(in > 0 && in == v.Len())
	}
	return truth(in > 0)
}

// inside asks whether an address lies in one of the networks.
func (f *FactTest) inside(v access.Value) access.Truth {
	addr, err := netip.ParseAddr(v.Text())
	if v.Kind() != access.String || err != nil || addr.Zone() != "" {
		return access.Unknown
	}
	addr = addr.Unmap()
	for _, p := range f.Prefixes {
		if p.Contains(addr) {
			return access.True
		}
	}
	return access.False
}

// maxSeconds is longer than anything that Custos watches; it keeps sums of
// durations from overflowing.
const maxSeconds = 1 << 32

// within asks whether a time span, which has grown since it was measured, is
// still within its bound.
func (f *FactTest) within(v access.Value, age time.Duration) access.Truth {
	s, err := strconv.ParseFloat(v.Raw(), 64)
	if v.Kind() != access.Number || err != nil || s < 0 || s > maxSeconds || age < 0 || age > maxSeconds*time.Second {
		return access.Unknown
	}
	switch span := time.Duration(s * float64(time.Second)); {
	case span+age <= f.Within:
		return access.True
	case f.Proof:
		return access.Unknown
	default:
		return access.False
	}
}

// seen writes the value with where it comes from and how old it is.
func (f *FactTest) seen(r *access.Request) string {
	fact, ok := r.Facts[f.Fact]
	if !ok {
		return "unknown"
	}
	parts := []string{seenValue(fact.Value)}
	if fact.Source != "" {
		parts = append(parts, "from "+fact.Source)
	}
	parts = append(parts, fact.Age.Round(time.Second).String()+" old")
	if why := f.doubt(&fact); why != "" {
		parts = append(parts, "which is "+why)
	}
	return strings.Join(parts, ", ")
}
