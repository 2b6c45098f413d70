package sink

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"iter"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/ocsf"
)

// Events yields every record that is there now as an event with its admission,
// merged by time; within a slot the order is that of the log. The instance is
// the one that the log names. An error ends the slot that it came from, and the
// others go on.
func Events(logDir string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		slots, err := audit.Slots(logDir)
		if err != nil {
			yield(Event{}, err)
			return
		}
		known := newCalls(logDir)
		ways := make([]*way, 0, len(slots))
		for _, slot := range slots {
			w := &way{}
			var stop func()
			w.next, stop = iter.Pull2(slotEvents(logDir, slot))
			defer stop()
			ways = append(ways, w)
		}
		for {
			first, err := earliest(ways)
			if err != nil && !yield(Event{}, err) || err == nil && first == nil {
				return
			}
			if err != nil {
				continue
			}
			ev := *first.head
			first.head = nil
			ev.Admission = known.pair(&ev.Record)
			if !yield(ev, nil) {
				return
			}
		}
	}
}

// way is one slot with its next event.
type way struct {
	next func() (Event, error, bool)
	head *Event // nil: not read yet
	over bool
}

// earliest returns the slot whose next event is the oldest, nil where there is
// no more. An error is returned once.
func earliest(ways []*way) (*way, error) {
	var best *way
	for _, w := range ways {
		if w.head == nil && !w.over {
			ev, err, ok := w.next()
			if !ok || err != nil {
				w.over = true
				if err != nil {
					return nil, err
				}
				continue
			}
			w.head = &ev
		}
		if w.head != nil && (best == nil || w.head.Record.Time.Before(best.head.Record.Time)) {
			best = w
		}
	}
	return best, nil
}

// errNameless is returned for a slot that does not name its instance: its first
// record is gone.
var errNameless = errors.New("the first record of the slot names no instance")

// slotEvents yields the records of one slot.
func slotEvents(logDir string, slot int) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		instance := ""
		for s, err := range audit.ReadStored(logDir, slot, 0, audit.Place{}) {
			var ev Event
			if err == nil {
				ev.Record, err = audit.Decode(s.Line)
			}
			if ev.Record.Instance != "" {
				instance = ev.Record.Instance
			}
			if err == nil && instance == "" {
				err = errNameless
			}
			if err != nil {
				yield(Event{}, err)
				return
			}
			sum := sha256.Sum256(s.Line)
			ev.Hash, ev.UID = hex.EncodeToString(sum[:]), ocsf.UID(instance, slot, s.Seq)
			if !yield(ev, nil) {
				return
			}
		}
	}
}
