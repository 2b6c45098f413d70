package canon

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/custos-zt/custos/access"
)

// CompareNumbers compares two JSON numbers exactly and returns -1, 0 or 1. It
// works on the decimal digits, so its time is that of reading the literals,
// however large the exponents are. ok is false where one of the values is no
// number, or an exponent has more than [maxExponentDigits] digits.
func CompareNumbers(a, b access.Value) (order int, ok bool) {
	if x, isInt := smallInt(a); isInt {
		if y, isInt := smallInt(b); isInt {
			return cmp.Compare(x, y), true
		}
	}
	x, okX := readDecimal(a)
	y, okY := readDecimal(b)
	if !okX || !okY {
		return 0, false
	}
	return x.compare(&y), true
}

// IsInteger reports whether v is a number without fraction: 5, 5.0 and 1e2
// are, 5.5, "5" and true are not.
func IsInteger(v access.Value) bool {
	d, ok := readDecimal(v)
	return ok && int64(d.len()) <= d.point
}

// smallInt reads the literals that nearly all numbers are.
func smallInt(v access.Value) (int64, bool) {
	raw := v.Raw()
	if v.Kind() != access.Number || len(raw) > 18 {
		return 0, false
	}
	digits := strings.TrimPrefix(raw, "-")
	var n int64
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if len(digits) < len(raw) {
		n = -n
	}
	return n, true
}

// maxExponentDigits bounds exponents, so that point cannot overflow.
const maxExponentDigits = 15

// decimal is ±0.d1d2d3… × 10^point. Its digits are those of whole and then
// frac, without zeros at either end; zero has none.
type decimal struct {
	negative    bool
	whole, frac string
	point       int64
}

func (d *decimal) len() int { return len(d.whole) + len(d.frac) }

func (d *decimal) digit(i int) byte {
	if i < len(d.whole) {
		return d.whole[i]
	}
	return d.frac[i-len(d.whole)]
}

// readDecimal takes a number literal apart.
func readDecimal(v access.Value) (decimal, bool) {
	if v.Kind() != access.Number {
		return decimal{}, false
	}
	raw, d := v.Raw(), decimal{}
	if raw, d.negative = strings.CutPrefix(raw, "-"); raw == "" {
		return decimal{}, false
	}
	if i := strings.IndexAny(raw, "eE"); i >= 0 {
		exponent := raw[i+1:]
		if len(strings.TrimLeft(exponent, "+-0")) > maxExponentDigits {
			return decimal{}, false
		}
		n, err := strconv.ParseInt(exponent, 10, 64)
		if err != nil {
			return decimal{}, false
		}
		raw, d.point = raw[:i], n
	}
	d.whole, d.frac, _ = strings.Cut(raw, ".")
	d.trim()
	return d, true
}

// trim removes the zeros at both ends and sets point accordingly.
func (d *decimal) trim() {
	d.whole = strings.TrimLeft(d.whole, "0")
	d.point += int64(len(d.whole))
	if d.whole == "" {
		frac := strings.TrimLeft(d.frac, "0")
		d.point -= int64(len(d.frac) - len(frac))
		d.frac = frac
	}
	if d.frac = strings.TrimRight(d.frac, "0"); d.frac == "" {
		d.whole = strings.TrimRight(d.whole, "0")
	}
	if d.len() == 0 {
		*d = decimal{} // -0, 0.0 and 0e9 are one number
	}
}

// compare returns the order of d and o.
func (d *decimal) compare(o *decimal) int {
	if c := cmp.Compare(d.sign(), o.sign()); c != 0 {
		return c
	}
	magnitude := d.compareMagnitude(o)
	if d.negative {
		return -magnitude
	}
	return magnitude
}

func (d *decimal) sign() int {
	switch {
	case d.len() == 0:
		return 0
	case d.negative:
		return -1
	default:
		return 1
	}
}

func (d *decimal) compareMagnitude(o *decimal) int {
	if c := cmp.Compare(d.point, o.point); c != 0 {
		return c
	}
	for i := range min(d.len(), o.len()) {
		if c := cmp.Compare(d.digit(i), o.digit(i)); c != 0 {
			return c
		}
	}
	return cmp.Compare(d.len(), o.len())
}

// EqualValues reports whether a and b are one value: numbers by value
// (5 equals 5.0), strings by content, arrays in order, objects in any order.
// Numbers that cannot be compared are equal only as literals. Absent equals
// absent alone.
func EqualValues(a, b access.Value) bool {
	if a.Kind() != b.Kind() || a.Len() != b.Len() {
		return false
	}
	switch a.Kind() {
	case access.Number:
		order, ok := CompareNumbers(a, b)
		return ok && order == 0 || !ok && a.Raw() == b.Raw()
	case access.String:
		return a.Text() == b.Text()
	case access.Bool:
		return a.True() == b.True()
	case access.Array:
		for i := range a.Len() {
			if !EqualValues(a.At(i).Value, b.At(i).Value) {
				return false
			}
		}
	case access.Object:
		return equalObjects(a, b)
	case access.Absent, access.Null:
	}
	return true
}

func equalObjects(a, b access.Value) bool {
	get := b.Get
	if b.Len() > pairwise {
		index := make(map[string]access.Value, b.Len())
		for _, m := range b.Members() {
			index[m.Key] = m.Value
		}
		get = func(key string) access.Value { return index[key] }
	}
	for _, m := range a.Members() {
		// Keys are distinct, so equal counts make this symmetric.
		if !EqualValues(m.Value, get(m.Key)) {
			return false
		}
	}
	return true
}
