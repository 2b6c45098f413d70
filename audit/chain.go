package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// chain follows the records of one slot and says where they stop fitting
// together.
type chain struct {
	slot  int
	next  uint64 // the seq expected; 0: any
	prev  [64]byte
	known bool // prev is known
	head  Head
	count uint64

	sealed    bool                // the last record is a seal
	rotations []keyChange         // what the key records hold
	open      map[uint64]struct{} // admissions without outcome
	unknown   []uint64            // admissions whose outcome is recorded as unknown
}

// misfit says that a record does not carry the hash of its predecessor: one of
// the two was changed.
const misfit = "does not continue the record before it"

// add takes the next record. It returns its head, and what is wrong with it
// or "".
func (c *chain) add(line []byte) (head, string) {
	h, ok := peek(line)
	switch {
	case !ok:
		return h, "not a record"
	case h.slot != c.slot:
		return h, fmt.Sprintf("belongs to slot %d", h.slot)
	case c.next != 0 && h.seq != c.next:
		return h, fmt.Sprintf("record %d expected, found record %d", c.next, h.seq)
	case c.known && string(h.prev) != string(c.prev[:]):
		return h, misfit
	}
	c.link(&h, line)
	return h, ""
}

// link moves the end of the chain to this record.
func (c *chain) link(h *head, line []byte) {
	c.head = Head{Seq: h.seq, Hash: sha256.Sum256(line)}
	hex.Encode(c.prev[:], c.head.Hash[:])
	c.known = true
	c.next = h.seq + 1
	c.count++
	c.sealed = string(h.kind) == string(KindSeal)
	switch string(h.kind) {
	case string(KindAdmission):
		if h.forwarded() {
			c.open[h.seq] = struct{}{}
		}
	case string(KindOutcomeUnknown):
		seq := h.answers()
		c.unknown = append(c.unknown, seq)
		delete(c.open, seq)
	case string(KindOutcome):
		delete(c.open, h.answers())
	case string(KindKey):
		c.rotations = append(c.rotations, readKeyChange(h.seq, line))
	}
}
