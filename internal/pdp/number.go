package pdp

import (
	"cmp"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
)

// Number is a bound, exact at any size. Most numbers in calls are short
// integers, which are compared without reading decimals.
type Number struct {
	Value access.Value
	short int64
	isInt bool
}

// NewNumber wraps a JSON number.
func NewNumber(v access.Value) *Number {
	n := &Number{Value: v}
	n.short, n.isInt = shortInt(v)
	return n
}

// known says whether a comparison could be made at all.
type known bool

// holds is unknown where nothing could be compared.
func (k known) holds(b bool) access.Truth {
	if !k {
		return access.Unknown
	}
	return truth(b)
}

// order compares v with the bound. Only numbers compare.
func (n *Number) order(v access.Value) (int, known) {
	if i, ok := shortInt(v); ok && n.isInt {
		return cmp.Compare(i, n.short), true
	}
	order, ok := canon.CompareNumbers(v, n.Value)
	return order, known(ok)
}

// isInteger reports whether v is an integer in value: 5.0 is, 5.5 is not.
func isInteger(v access.Value) bool {
	if _, ok := shortInt(v); ok {
		return true
	}
	return canon.IsInteger(v)
}

// shortInt reads an integer literal of at most 18 digits.
func shortInt(v access.Value) (int64, bool) {
	if v.Kind() != access.Number {
		return 0, false
	}
	return shortRaw(v.Raw())
}

// shortRaw is shortInt of the text of a number.
func shortRaw(raw string) (int64, bool) {
	if len(raw) > 19 {
		return 0, false
	}
	negative := raw[0] == '-'
	if negative {
		raw = raw[1:]
	}
	if len(raw) > 18 {
		return 0, false
	}
	var n int64
	for i := range len(raw) {
		c := raw[i] - '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + int64(c)
	}
	if negative {
		n = -n
	}
	return n, true
}
