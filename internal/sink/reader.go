package sink

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/ocsf"
)

// The bounds of one batch, and how long a slot is left alone that cannot be
// read.
const (
	maxBatch      = 256
	maxBatchBytes = 1 << 20
	brokenFor     = 30 * time.Second
)

// errRewound says that the log does not hold what was delivered.
var errRewound = errors.New("the log does not go on from the last record that was delivered: it was replaced, cut or changed")

// reader reads batches from the log, beginning behind a cursor.
type reader struct {
	logDir string
	at     Cursor            // what was read so far
	calls  *calls            // nil: the sink does not ask for admissions
	watch  map[int]glance    // slots that had no more when looked at
	broken map[int]time.Time // slots that cannot be read, and when to try again
	turn   int               // which slot comes first in the next batch
	lost   uint64            // records that retention removed before they were read
	missed map[int]uint64    // the last of them that was counted, by slot
	now    func() time.Time
}

func newReader(logDir string, from Cursor, pair bool, now func() time.Time) *reader {
	r := &reader{logDir: logDir, at: from.clone(), watch: map[int]glance{}, broken: map[int]time.Time{}, missed: map[int]uint64{}, now: now}
	if pair {
		r.calls = newCalls(logDir)
	}
	return r
}

// again returns a reader that begins behind a cursor once more. What this one
// counted as lost is not counted twice.
func (r *reader) again(from Cursor) *reader {
	next := newReader(r.logDir, from, r.calls != nil, r.now)
	next.missed, next.lost = r.missed, r.lost
	return next
}

// batch returns what there is to deliver now, at most maxBatch events. A slot
// that cannot be read does not keep the others from being read: its error is
// returned beside the batch.
func (r *reader) batch() ([]Event, error) {
	slots, err := audit.Slots(r.logDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // nothing was ever recorded
	}
	if err != nil {
		return nil, err
	}
	b := batch{}
	var failed error
	for i := range slots {
		slot := slots[(i+r.turn)%len(slots)]
		if b.full() {
			break
		}
		if r.idle(slot) || r.now().Before(r.broken[slot]) {
			continue
		}
		if err := r.read(slot, &b); err != nil {
			failed = errors.Join(failed, fmt.Errorf("slot %s: %w", audit.SlotName(slot), err))
		}
	}
	r.turn++
	return b.events, failed
}

// batch is one batch being filled.
type batch struct {
	events []Event
	bytes  int
}

func (b *batch) full() bool { return len(b.events) >= maxBatch || b.bytes >= maxBatchBytes }

// read reads one slot, and once more where that failed: retention may have
// removed a segment while it was read, and a slot that is not what it was begins
// anew.
func (r *reader) read(slot int, b *batch) error {
	err := r.slot(slot, b)
	if err == nil {
		return nil
	}
	again := r.slot(slot, b)
	if again != nil {
		r.broken[slot] = r.now().Add(brokenFor)
	}
	if errors.Is(err, errRewound) {
		return errors.Join(err, again)
	}
	return again
}

// slot reads the records of one slot behind the cursor.
func (r *reader) slot(slot int, b *batch) error {
	p := r.at.Slots[slot]
	after, check := p.Seq, false
	first, err := audit.FirstSeq(r.logDir, slot)
	if err != nil {
		return err
	}
	if p.Hash != "" && first <= p.Seq {
		// Read the last record once more: what follows must follow it.
		after, check = p.Seq-1, true
	}
	seen := r.look(slot)
	for s, err := range audit.ReadStored(r.logDir, slot, after, p.place()) {
		if err != nil {
			return err
		}
		sum := sha256.Sum256(s.Line)
		hash := hex.EncodeToString(sum[:])
		if check {
			if s.Seq != p.Seq || hash != p.Hash {
				return r.rewind(slot)
			}
			check = false
			continue
		}
		if b.full() {
			return nil
		}
		rec, err := audit.Decode(s.Line)
		if err != nil {
			return err
		}
		if known := max(p.Seq, r.missed[slot]); p.Seq > 0 && s.Seq > known+1 {
			r.lost += s.Seq - known - 1
			r.missed[slot] = s.Seq - 1
		}
		p = Point{Seq: s.Seq, Hash: hash, Segment: s.Place.Segment, Offset: s.Place.Offset}
		r.at.Slots[slot] = p
		b.bytes += len(s.Line)
		b.events = append(b.events, Event{
			Record: rec, Hash: hash, UID: ocsf.UID(r.at.Instance, slot, s.Seq), Admission: r.calls.pair(&rec),
		})
	}
	if check {
		return r.rewind(slot)
	}
	r.watch[slot] = seen
	return nil
}

// rewind begins a slot anew that is not what it was.
func (r *reader) rewind(slot int) error {
	at := r.at.Slots[slot].Seq
	delete(r.at.Slots, slot)
	return fmt.Errorf("%w (record %d); it is delivered from its beginning", errRewound, at)
}
