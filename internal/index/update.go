package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"

	"github.com/custos-zt/custos/audit"
)

// batchSize is how many records one transaction holds, handSize how many a slot
// hands over at once.
const (
	batchSize = 32 << 10
	handSize  = 256
)

// updater reads the rest of a log into a database.
type updater struct {
	logDir string
	db     *sql.DB
	opt    UpdateOptions
	report Report
	b      builder
}

// run reads until the log ends.
func (u *updater) run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	tx, err := u.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	err = u.b.begin(ctx, tx)
	if err = errors.Join(err, tx.Rollback()); err != nil {
		return err
	}
	begin := u.b.n
	slots, err := u.slots()
	if err != nil {
		return err
	}
	var sources []*source
	for _, slot := range slots {
		sources = append(sources, u.follow(ctx, slot))
	}
	m := merge{sources: sources}
	for more := true; more && err == nil; {
		more, err = u.batch(ctx, &m)
	}
	u.report.Entries = uint64(u.b.n - begin)
	u.report.Problems = m.problems
	return err
}

// slots lists the slots to read. All that were read before MUST be there.
func (u *updater) slots() ([]int, error) {
	slots, err := audit.Slots(u.logDir)
	if errors.Is(err, fs.ErrNotExist) {
		slots, err = nil, nil
	}
	if err != nil {
		return nil, err
	}
	have := map[int]bool{}
	for _, s := range slots {
		have[s] = true
	}
	for s := range u.b.cursors {
		if !have[s] {
			return nil, fmt.Errorf("%w: slot %d of the log is gone", errUnusable, s)
		}
	}
	return slots, nil
}

// batch reads and stores one transaction's worth.
func (u *updater) batch(ctx context.Context, m *merge) (more bool, err error) {
	tx, err := u.db.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	if err := u.b.words.prepare(ctx, tx); err != nil {
		return false, err
	}
	for n := 0; n < batchSize; n++ {
		e, err := m.next(ctx)
		if err != nil {
			return false, err
		}
		if e == nil {
			if err := u.expire(ctx, tx); err != nil {
				return false, err
			}
			break
		}
		more = n == batchSize-1
		u.report.Records++
		if err := u.b.add(e); err != nil {
			return false, err
		}
	}
	if err := u.b.flush(ctx, tx); err != nil {
		return false, err
	}
	if u.opt.Progress != nil {
		u.opt.Progress(u.report.Records)
	}
	return more, tx.Commit()
}

// expire removes the entries of records that retention removed. Their postings
// stay until the index is built anew: they lead to nothing.
func (u *updater) expire(ctx context.Context, tx *sql.Tx) error {
	for slot, c := range u.b.cursors {
		first, err := audit.FirstSeq(u.logDir, slot)
		if err != nil || first <= c.oldest {
			continue // what is wrong with the log is not the index's to say
		}
		for s, err := range audit.ReadStored(u.logDir, slot, first-1, audit.Place{}) {
			var e event
			if err == nil {
				err = e.read(s)
			}
			if err != nil {
				break
			}
			// Nothing older than this record is numbered behind the block that
			// reached its time, and the disorder there is.
			_, err = tx.ExecContext(ctx, `DELETE FROM entry WHERE slot = ? AND seq < ? AND
				n <= (SELECT ifnull(min(block) + 1, 1 << 50) << ? FROM block WHERE reach > ?)`, slot, int64(first), blockShift, e.time+u.b.late)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "DELETE FROM place WHERE slot = ? AND seq < ?", slot, int64(first)); err != nil {
				return err
			}
			c.oldest = first
			break
		}
	}
	return nil
}

// source is what one slot has to add.
type source struct {
	events  <-chan hand
	current hand
}

// hand is what a slot hands over at once.
type hand struct {
	events []event
	err    error // behind the events, and the last
}

// follow reads what one slot has after its cursor.
func (u *updater) follow(ctx context.Context, slot int) *source {
	out := make(chan hand, 4)
	c := u.b.cursors[slot]
	if c != nil {
		held := *c // the builder goes on
		c = &held
	}
	go func() {
		defer close(out)
		events := make([]event, 0, handSize)
		give := func(h hand) bool {
			select {
			case out <- h:
				return true
			case <-ctx.Done():
				return false
			}
		}
		err := readOn(u.logDir, slot, c, func(s audit.Stored) error {
			events = append(events, event{})
			if err := events[len(events)-1].read(s); err != nil {
				events = events[:len(events)-1]
				return err
			}
			if len(events) == handSize {
				if !give(hand{events: events}) {
					return ctx.Err()
				}
				events = make([]event, 0, handSize)
			}
			return nil
		})
		give(hand{events, err})
	}()
	return &source{events: out}
}

// readOn yields the records of a slot after its cursor, which MUST still stand
// where it stood.
func readOn(logDir string, slot int, c *cursor, yield func(audit.Stored) error) error {
	after, place := uint64(0), audit.Place{}
	if c != nil {
		after, place = c.seq-1, c.place
	}
	begun := c == nil
	for s, err := range audit.ReadStored(logDir, slot, after, place) {
		if err != nil {
			return err
		}
		if !begun {
			begun = true
			switch {
			case s.Seq == c.seq && c.stands(s):
				continue
			case s.Seq == c.seq:
				return fmt.Errorf("%w: record %d:%d is another one than before", errUnusable, slot, s.Seq)
			}
		}
		if err := yield(s); err != nil {
			return err
		}
	}
	if !begun {
		return fmt.Errorf("%w: record %d:%d is gone", errUnusable, slot, c.seq)
	}
	return nil
}

// merge orders the records of all slots by time; within a slot the order is that
// of the log.
type merge struct {
	sources  []*source
	problems []error
}

// next returns the next event, valid until the following call; nil where there
// is none.
func (m *merge) next(ctx context.Context) (*event, error) {
	var first *source
	for i := 0; i < len(m.sources); i++ {
		s := m.sources[i]
		for len(s.current.events) == 0 {
			if s.current.err != nil {
				if errors.Is(s.current.err, errUnusable) {
					return nil, s.current.err
				}
				m.problems = append(m.problems, s.current.err)
				s.current.err = nil
			}
			h, ok := <-s.events
			if !ok {
				m.sources = append(m.sources[:i], m.sources[i+1:]...)
				i--
				s = nil
				break
			}
			s.current = h
		}
		if s != nil && (first == nil || s.current.events[0].time < first.current.events[0].time) {
			first = s
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if first == nil {
		return nil, nil
	}
	e := &first.current.events[0]
	first.current.events = first.current.events[1:]
	return e, nil
}
