package audit

import (
	"errors"
	"fmt"
)

// MaxSlots is the number of slots that an id can tell apart.
const MaxSlots = 1024

// maxSeq is the largest sequence number that fits an id beside the slot.
const maxSeq = 1<<54 - 1

// crockford is the base-32 alphabet of Douglas Crockford: no I, L, O and U, so
// that an id survives being read aloud.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// errID is returned for what is not an id.
var errID = errors.New("not a record id (expected d_ and letters or digits, as in d_7F3K)")

// FormatID returns the id of record seq of a slot: "d_" and seq*1024+slot in
// Crockford's base 32, four characters at least. It is unique within one state
// directory and says where the record lies.
func FormatID(slot int, seq uint64) string {
	var b [15]byte
	n := seq*MaxSlots + uint64(slot)%MaxSlots
	i := len(b)
	for n > 0 || i > len(b)-4 {
		i--
		b[i] = crockford[n&31]
		n >>= 5
	}
	return "d_" + string(b[i:])
}

// ParseID returns the slot and seq that an id names. It accepts lower case and
// the letters that Crockford's alphabet reads as digits (I and L as 1, O as 0).
func ParseID(id string) (slot int, seq uint64, err error) {
	if len(id) < 3 || (id[0] != 'd' && id[0] != 'D') || id[1] != '_' {
		return 0, 0, fmt.Errorf("audit: %q: %w", id, errID)
	}
	var n uint64
	for _, c := range []byte(id[2:]) {
		v := digit(c)
		if v < 0 || n>>59 != 0 {
			return 0, 0, fmt.Errorf("audit: %q: %w", id, errID)
		}
		n = n<<5 | uint64(v)
	}
	if n/MaxSlots == 0 {
		return 0, 0, fmt.Errorf("audit: %q: %w", id, errID)
	}
	return int(n % MaxSlots), n / MaxSlots, nil
}

// digit returns the value of one character, or -1.
func digit(c byte) int {
	if 'a' <= c && c <= 'z' {
		c -= 'a' - 'A'
	}
	switch c {
	case 'I', 'L':
		return 1
	case 'O':
		return 0
	}
	for i := range len(crockford) {
		if crockford[i] == c {
			return i
		}
	}
	return -1
}
