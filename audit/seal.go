package audit

import (
	"errors"
	"fmt"
)

// Sealed is what [Seal] did to one chain.
type Sealed struct {
	Slot int `json:"slot"`
	// Found lists what was recorded of an earlier process, oldest first: a gap,
	// a torn tail, calls of unknown outcome.
	Found []Record `json:"found"`
	// Head counts the records and names the last of them, the seal, which a
	// checkpoint counts where the log has a key.
	Head Head `json:"-"`
	// Already says that the chain was sealed before, and nothing was done.
	Already bool `json:"already,omitempty"`
}

// Seal closes a chain that no process writes. What the end of its last process
// left open is settled as it would be when the chain is opened next: a torn
// tail is cut and recorded, a failure becomes a signed gap record, calls whose
// end nobody saw get outcome_unknown records. Then a seal record with a reason
// ends the segment, and the head is signed. Nothing is repaired: a chain that
// is not whole is refused with [ErrTampered].
//
// The caller MUST hold the slot's lock. A chain that is sealed can be continued;
// it goes on in a new segment.
func Seal(dir string, opt Options, reason string) (Sealed, error) {
	out := Sealed{Slot: opt.Slot, Found: []Record{}}
	if err := opt.defaults(); err != nil {
		return out, err
	}
	list, err := listSegments(dir)
	if err != nil {
		return out, fmt.Errorf("audit: %w", err)
	}
	if len(list) == 0 {
		return out, fmt.Errorf("%w: slot %02d has no records", ErrNotFound, opt.Slot)
	}
	before, sealed, err := lastRecord(dir, opt.Slot)
	if err != nil {
		return out, err
	}
	crumb, err := findCrumb(dir, &opt)
	if sealed && crumb == nil && err == nil {
		out.Already, out.Head = true, before
		return out, nil
	}
	l, err := Open(dir, opt)
	if err != nil {
		return out, err
	}
	if err := l.Append(Record{Kind: KindSeal, Detail: reason}).Wait(); err != nil {
		return out, errors.Join(err, l.Close())
	}
	if err := l.Close(); err != nil {
		return out, err
	}
	out.Head = l.Head()
	r := slotReader{slotDir: slotDir{slot: opt.Slot, path: dir}, after: before.Seq}
	defer r.close()
	for {
		rec, ok, err := r.next()
		if err != nil || !ok {
			return out, err
		}
		if rec.Kind != KindSegment && rec.Kind != KindSeal {
			out.Found = append(out.Found, rec)
		}
	}
}

// lastRecord returns the end of a chain as it lies on disk, and whether it is a
// seal.
func lastRecord(dir string, slot int) (Head, bool, error) {
	list, err := listSegments(dir)
	if err != nil || len(list) == 0 {
		return Head{}, false, err
	}
	var c chain
	c.slot, c.open = slot, map[uint64]struct{}{}
	r := slotReader{slotDir: slotDir{slot: slot, path: dir}, after: list[len(list)-1].first - 1}
	defer r.close()
	for {
		line, ok, err := r.line()
		if err != nil || !ok {
			return c.head, c.sealed, err
		}
		if _, what := c.add(line); what != "" {
			return c.head, false, fmt.Errorf("%w: record %d %s", ErrTampered, c.next, what)
		}
	}
}
