package audit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path/filepath"
	"slices"
	"time"
)

// ErrNotFound is returned where there is no such record.
var ErrNotFound = errors.New("audit: no such record")

// Position says how far each slot was read: the seq of the last record seen,
// by slot. A slot that is missing was not read at all. A reader keeps its own:
// after each record r, set p[r.Slot] = r.Seq.
type Position map[int]uint64

// ReadOptions narrow what [Read] and [Follow] yield.
type ReadOptions struct {
	// From skips what was read before.
	From Position
	// Slots names the slots to read; nil: all of them.
	Slots []int
	// Keep says which records to yield; nil: all of them.
	Keep func(*Record) bool
	// Poll is how often Follow looks for more; 100 ms by default.
	Poll time.Duration
}

// DefaultPoll is how often [Follow] looks for more.
const DefaultPoll = 100 * time.Millisecond

// Read yields the records of all slots, merged by time; within a slot the
// order is always that of the log. It ends where the log ends now. An error
// ends the slot that it came from, and the others go on. Read checks the
// checksum of each frame and that no record is missing, not the hashes: that
// is [Verify].
func Read(logDir string, opt ReadOptions) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		m := merger{logDir: logDir, opt: opt}
		defer m.close()
		if err := m.discover(); err != nil {
			yield(Record{}, err)
			return
		}
		m.drain(yield)
	}
}

// Follow is Read that does not end: it yields what is there and then what is
// added, in new segments and new slots too, until ctx is done or the caller
// stops. A record may be seen shortly before it is durable.
func Follow(ctx context.Context, logDir string, opt ReadOptions) iter.Seq2[Record, error] {
	if opt.Poll <= 0 {
		opt.Poll = DefaultPoll
	}
	return func(yield func(Record, error) bool) {
		m := merger{logDir: logDir, opt: opt}
		defer m.close()
		tick := time.NewTicker(opt.Poll)
		defer tick.Stop()
		for ctx.Err() == nil {
			err := m.discover()
			if err != nil && !errors.Is(err, fs.ErrNotExist) && !yield(Record{}, err) {
				return
			}
			if !m.drain(yield) {
				return
			}
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
		}
	}
}

// merger reads several slots as one stream.
type merger struct {
	logDir string
	opt    ReadOptions
	slots  []*source
}

// source is one slot with its next record.
type source struct {
	slotReader
	rec    Record
	loaded bool
	failed bool
}

// discover adds the slots that appeared since the last look.
func (m *merger) discover() error {
	list, err := listSlots(m.logDir)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	for _, s := range list {
		wanted := m.opt.Slots == nil || slices.Contains(m.opt.Slots, s.slot)
		known := slices.ContainsFunc(m.slots, func(have *source) bool { return have.slot == s.slot })
		if wanted && !known {
			m.slots = append(m.slots, &source{slotReader: slotReader{slotDir: s, after: m.opt.From[s.slot]}})
		}
	}
	return nil
}

// drain yields everything that is there now. It reports false where the caller
// stops.
func (m *merger) drain(yield func(Record, error) bool) bool {
	for {
		var first *source
		for _, s := range m.slots {
			if err := s.load(m.opt.Keep); err != nil && !yield(Record{}, err) {
				return false
			}
			if s.loaded && (first == nil || s.rec.Time.Before(first.rec.Time)) {
				first = s
			}
		}
		if first == nil {
			return true
		}
		first.loaded = false
		if !yield(first.rec, nil) {
			return false
		}
	}
}

// load reads ahead by one record. After an error the slot yields no more.
func (s *source) load(keep func(*Record) bool) error {
	for !s.loaded && !s.failed {
		r, ok, err := s.next()
		if err != nil {
			s.failed = true
			return err
		}
		if !ok {
			return nil
		}
		if keep == nil || keep(&r) {
			s.rec, s.loaded = r, true
		}
	}
	return nil
}

func (m *merger) close() {
	for _, s := range m.slots {
		s.close()
	}
}

// End returns the position at the end of everything that is written now.
func End(logDir string) (Position, error) {
	list, err := listSlots(logDir)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	p := Position{}
	for _, s := range list {
		segs, err := listSegments(s.path)
		if err != nil {
			return nil, err
		}
		if len(segs) == 0 {
			continue
		}
		last := segs[len(segs)-1]
		r := slotReader{slotDir: s, after: last.first - 1}
		for {
			more, err := r.frame()
			if err != nil {
				r.close()
				return nil, err
			}
			if !more {
				break
			}
			r.after = lastSeq(r.payload)
		}
		r.close()
		p[s.slot] = r.after
	}
	return p, nil
}

// Find returns the record with this id.
func Find(logDir, id string) (Record, error) {
	slot, seq, err := ParseID(id)
	if err != nil {
		return Record{}, err
	}
	s := slotReader{slotDir: slotDir{slot: slot, path: filepath.Join(logDir, SlotName(slot))}, after: seq - 1}
	defer s.close()
	r, ok, err := s.next()
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && (!ok || r.Seq != seq):
		return Record{}, fmt.Errorf("%w: %s", ErrNotFound, id)
	case err != nil:
		return Record{}, err
	}
	return r, nil
}

// Last returns the latest record that keep accepts. It reads backwards segment
// by segment, so that what is recent is found soon in a long log.
func Last(logDir string, keep func(*Record) bool) (Record, error) {
	list, err := listSlots(logDir)
	if err != nil {
		return Record{}, fmt.Errorf("audit: %w", err)
	}
	var best Record
	for _, s := range list {
		r, err := lastIn(s, keep)
		if err != nil {
			return Record{}, err
		}
		if r.Seq != 0 && (best.Seq == 0 || r.Time.After(best.Time)) {
			best = r
		}
	}
	if best.Seq == 0 {
		return Record{}, ErrNotFound
	}
	return best, nil
}

// lastIn returns the last record of one slot that keep accepts, or a record
// with seq 0.
func lastIn(d slotDir, keep func(*Record) bool) (Record, error) {
	segs, err := listSegments(d.path)
	if err != nil {
		return Record{}, err
	}
	until := uint64(maxSeq)
	for _, sf := range slices.Backward(segs) {
		var found Record
		s := slotReader{slotDir: d, after: sf.first - 1}
		for s.after < until {
			r, ok, err := s.next()
			if err != nil {
				s.close()
				return Record{}, err
			}
			if !ok || r.Seq > until {
				break
			}
			if keep(&r) {
				found = r
			}
		}
		s.close()
		if found.Seq != 0 {
			return found, nil
		}
		until = sf.first - 1
	}
	return Record{}, nil
}
