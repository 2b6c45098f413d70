package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Decode reads one stored record: the line without its newline. Fields that
// it does not know are ignored, because a newer Custos may have written them;
// what it knows must be well-formed. Decode does not check the chain: see
// [Verify].
func Decode(line []byte) (Record, error) {
	var r Record
	h, ok := peek(line)
	if !ok {
		return r, errors.New("audit: not a record: it must begin with v, slot, seq, prev and kind")
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return Record{}, fmt.Errorf("audit: record %d:%d: %w", h.slot, h.seq, err)
	}
	if r.Slot != h.slot || r.Seq != h.seq || r.Prev != string(h.prev) || string(r.Kind) != string(h.kind) {
		return Record{}, fmt.Errorf("audit: record %d:%d names itself twice", h.slot, h.seq)
	}
	if r.Time.IsZero() {
		return Record{}, fmt.Errorf("audit: record %d:%d has no time", h.slot, h.seq)
	}
	r.Time = r.Time.UTC()
	return r, nil
}

// head is what the chain is made of, read from the fixed beginning of a
// record. Its slices lie in the record's bytes.
type head struct {
	slot int
	seq  uint64
	prev []byte // 64 hexadecimal digits
	kind []byte
	rest []byte // what follows the kind
}

// peek reads the head of a stored record without decoding JSON. It is exact,
// not lenient: one byte out of place and the line is no record.
func peek(line []byte) (h head, ok bool) {
	b, _, ok := number(line, `{"v":`)
	if !ok {
		return h, false
	}
	b, slot, ok := number(b, `,"slot":`)
	if !ok || slot >= MaxSlots {
		return h, false
	}
	b, h.seq, ok = number(b, `,"seq":`)
	if !ok || h.seq == 0 || h.seq > maxSeq {
		return h, false
	}
	const open, shut = `,"prev":"`, `","kind":"`
	if len(b) < len(open)+64+len(shut) || string(b[:len(open)]) != open {
		return h, false
	}
	h.prev, b = b[len(open):len(open)+64], b[len(open)+64:]
	if string(b[:len(shut)]) != shut {
		return h, false
	}
	b = b[len(shut):]
	end := bytes.IndexByte(b, '"')
	if end <= 0 || b[len(b)-1] != '}' {
		return h, false
	}
	h.slot, h.kind, h.rest = int(slot), b[:end], b[end:]
	return h, true
}

// number reads a literal prefix and a decimal number without leading zeros.
func number(b []byte, prefix string) (rest []byte, n uint64, ok bool) {
	if len(b) < len(prefix) || string(b[:len(prefix)]) != prefix {
		return nil, 0, false
	}
	b = b[len(prefix):]
	i := 0
	for ; i < len(b) && i < 18 && '0' <= b[i] && b[i] <= '9'; i++ {
		n = n*10 + uint64(b[i]-'0')
	}
	if i == 0 || (b[0] == '0' && i > 1) {
		return nil, 0, false
	}
	return b[i:], n, true
}

// forwarded reports whether an admission let a call pass that is answered. A
// member name with its quotes cannot occur inside a JSON string, where quotes
// are escaped.
func (h *head) forwarded() bool {
	if string(h.kind) != string(KindAdmission) {
		return false
	}
	// From the last letters on, which are rarer than quotes and commas.
	i := bytes.Index(h.rest, []byte(`w"`))
	for i >= 0 && !bytes.HasSuffix(h.rest[:i+2], []byte(`,"decision":"allow"`)) {
		next := bytes.Index(h.rest[i+2:], []byte(`w"`))
		if next < 0 {
			return false
		}
		i += 2 + next
	}
	return i >= 0 && !bytes.Contains(h.rest[:i], []byte(`,"one_way":true`)) // stored before it
}

// answers returns the seq of the admission that an outcome closes, or 0.
func (h *head) answers() uint64 {
	if k := string(h.kind); k != string(KindOutcome) && k != string(KindOutcomeUnknown) {
		return 0
	}
	const name = `,"admission":`
	i := bytes.Index(h.rest, []byte(name))
	if i < 0 {
		return 0
	}
	var seq uint64
	for _, c := range h.rest[i+len(name):] {
		if c < '0' || c > '9' || seq > maxSeq {
			break
		}
		seq = seq*10 + uint64(c-'0')
	}
	return seq
}
