package pdp

import (
	"math/bits"
	"strings"
)

// table finds what belongs to a text. It is filled once and then only read:
// open addressing, at most half full, with a part of the hash in each slot, so
// that a miss touches one line of memory and a hit three. A hit compares the
// text: nothing is decided by a hash.
type table[V any] struct {
	slots   []slot
	entries []entry[V]
}

// slot points at an entry, counted from 1; 0 is free.
type slot struct {
	tag uint32
	at  int32
}

type entry[V any] struct {
	text  string
	value V
}

// find returns what belongs to a text, nil where the text is not there.
func (t *table[V]) find(text string) *V {
	if n := t.number(text); n != 0 {
		return &t.entries[n-1].value
	}
	return nil
}

// number returns the number of a text, from 1, or 0 where it is not there.
func (t *table[V]) number(text string) int32 {
	if len(t.slots) == 0 {
		return 0
	}
	h := hashOf(text)
	mask := uint64(len(t.slots) - 1) //nolint:gosec // a length
	for i := h & mask; ; i = (i + 1) & mask {
		s := t.slots[i]
		if s.at == 0 || s.tag == uint32(h>>32) && t.entries[s.at-1].text == text {
			return s.at
		}
	}
}

// place returns the place of what belongs to a text, which is there from now
// on. It moves when another text is added.
func (t *table[V]) place(text string) *V { return &t.entries[t.add(text)-1].value }

// add returns the number of a text, given to it now where it had none.
func (t *table[V]) add(text string) int32 {
	if n := t.number(text); n != 0 {
		return n
	}
	t.entries = append(t.entries, entry[V]{text: strings.Clone(text)})
	n := len(t.entries)
	if 2*n <= len(t.slots) {
		t.take(n)
	} else {
		t.slots = make([]slot, max(8, 2*len(t.slots)))
		for i := range n {
			t.take(i + 1)
		}
	}
	return int32(n) //nolint:gosec // a policy names far fewer texts than 2^31
}

// take gives the entry with this number a slot.
func (t *table[V]) take(n int) {
	h := hashOf(t.entries[n-1].text)
	mask := uint64(len(t.slots) - 1) //nolint:gosec // a length
	k := h & mask
	for t.slots[k].at != 0 {
		k = (k + 1) & mask
	}
	t.slots[k] = slot{uint32(h >> 32), int32(n)} //nolint:gosec // as above
}

// hashOf mixes a text sixteen bytes at a time. Callers choose the texts that
// are looked up and not those that are in a table, so that the worst they can
// ask for is the longest run of slots that the policy itself has made.
func hashOf(s string) uint64 {
	h := uint64(len(s))
	for ; len(s) > 16; s = s[16:] {
		h = mixed(eight(s)^h, eight(s[8:]))
	}
	switch n := len(s); {
	case n >= 8:
		return mixed(eight(s)^h, eight(s[n-8:]))
	case n >= 4:
		return mixed(four(s)^h, four(s[n-4:]))
	case n > 0:
		return mixed(uint64(s[0])|uint64(s[n/2])<<8^h, uint64(s[n-1]))
	default:
		return h
	}
}

func mixed(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0x9e3779b97f4a7c15, b^0xe7037ed1a0b428db)
	return hi ^ lo
}

func eight(s string) uint64 { return four(s) | four(s[4:])<<32 }

func four(s string) uint64 {
	_ = s[3]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24
}
