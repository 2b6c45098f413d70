package sink

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/post"
)

// The times of a shipper.
const (
	// poll is how often the log is looked at.
	poll = 500 * time.Millisecond
	// keepEvery is how often a cursor is written at most: each write waits for
	// the disk that the log waits for too.
	keepEvery = time.Second
	// patience is how long one delivery may take.
	patience = 30 * time.Second
	// parting is how long a shipper that is told to end goes on delivering.
	parting = 2 * time.Second
)

// Options configure [Ship].
type Options struct {
	LogDir   string
	Instance string // of the state directory
	Cursors  Cursors
	Sinks    []Spec
	Board    *Board // nil: nobody looks
	// Notice is told in words what people should know, once a change: a sink that
	// fails, and one that works again. nil: nobody.
	Notice func(text string)
	// Once ends when everything that is there now is delivered, or the first
	// attempt failed.
	Once bool
	// Now is the clock, time.Now by default.
	Now func() time.Time
}

// Spec is one configured sink.
type Spec struct {
	// Name is unique among the sinks; its cursor is kept under it.
	Name string
	// Open makes it ready. It is tried again, like a delivery, where it fails.
	Open func(ctx context.Context) (Sink, error)
	// FromEnd begins with what is recorded from now on, where there is no cursor
	// yet; otherwise a new sink receives the whole log.
	FromEnd bool
	// Pair asks for the admissions of outcomes.
	Pair bool
}

// Ship delivers what is recorded to every sink, until ctx is done. The caller
// MUST hold the lock of the state directory's sinks. With Options.Once it
// returns the first error of each sink; otherwise errors are told and tried
// again, and it returns nil.
func Ship(ctx context.Context, opt Options) error {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Notice == nil {
		opt.Notice = func(string) {}
	}
	if opt.Board == nil {
		opt.Board = NewBoard()
	}
	errs := make([]error, len(opt.Sinks))
	var wg sync.WaitGroup
	for i, spec := range opt.Sinks {
		wg.Go(func() {
			s := shipper{opt: opt, spec: spec}
			if err := s.run(ctx); err != nil {
				errs[i] = fmt.Errorf("%s: %w", spec.Name, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// shipper delivers to one sink.
type shipper struct {
	opt  Options
	spec Spec

	sink   Sink
	reader *reader
	acked  Cursor    // what the receiver has
	kept   time.Time // when acked was written
	dirty  bool
	wait   backoff
	failed bool  // and this was told
	broken error // why a slot could not be read
}

// run delivers until ctx is done, and then what is left, for a moment: a delivery
// under way is not broken off, or the next process would repeat it.
func (s *shipper) run(ctx context.Context) error {
	defer s.close()
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(parting, stop) })()
	for ctx.Err() == nil {
		more, err := s.step(work)
		if s.opt.Once && (err != nil || !more) {
			return errors.Join(err, s.broken)
		}
		delay := poll
		switch {
		case err != nil && work.Err() == nil:
			s.tell(err)
			delay = s.wait.next()
		case more:
			continue
		}
		if !post.Pause(ctx, delay) {
			break
		}
	}
	var err error
	for more := !s.failed && s.sink != nil; more && err == nil; {
		more, err = s.step(work)
	}
	if s.opt.Once {
		return errors.Join(err, s.broken)
	}
	return nil // the next process goes on from the cursor
}

// step reads and delivers one batch. more says that there may be another.
func (s *shipper) step(ctx context.Context) (more bool, err error) {
	if err := s.begin(); err != nil {
		return false, err
	}
	before := s.reader.lost
	events, broken := s.reader.batch()
	s.count(func(st *Stats) {
		st.Lost += s.reader.lost - before
		st.Oldest = time.Time{}
		if len(events) > 0 {
			st.Oldest = events[0].Record.Time
		}
	})
	if broken != nil {
		s.breaks(broken)
	}
	if err := s.hand(ctx, events); err != nil {
		s.reader = s.reader.again(s.acked) // from what the receiver has
		return false, err
	}
	return len(events) > 0, s.keep(len(events) == 0)
}

// begin loads the cursor, once.
func (s *shipper) begin() error {
	if s.reader != nil {
		return nil
	}
	s.count(func(*Stats) {}) // whoever looks sees every sink
	cur, found, err := LoadCursor(s.opt.Cursors, s.spec.Name, s.opt.Instance)
	if err != nil {
		return err
	}
	if !found && s.spec.FromEnd {
		if cur, err = endOf(s.opt.LogDir, cur); err != nil {
			return err
		}
		s.dirty = true // the next process begins here too
	}
	s.acked = cur
	s.reader = newReader(s.opt.LogDir, cur, s.spec.Pair, s.opt.Now)
	return nil
}

// hand opens the sink, once, and delivers. What waits was read before, so that
// the lag of a sink that cannot be opened is known.
func (s *shipper) hand(ctx context.Context, events []Event) error {
	if s.sink == nil {
		opened, err := s.spec.Open(ctx)
		if err != nil {
			return err
		}
		s.sink = opened
	}
	if len(events) == 0 {
		return nil
	}
	return s.deliver(ctx, events)
}

// endOf moves a cursor behind everything that is there.
func endOf(logDir string, cur Cursor) (Cursor, error) {
	slots, err := audit.Slots(logDir)
	if err != nil || len(slots) == 0 {
		return cur, nil //nolint:nilerr // a log that is not there yet has no end
	}
	end, err := audit.End(logDir)
	if err != nil {
		return cur, err
	}
	for slot, seq := range end {
		cur.Slots[slot] = Point{Seq: seq}
	}
	return cur, nil
}

// deliver hands a batch over and moves the cursor.
func (s *shipper) deliver(ctx context.Context, events []Event) error {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := s.sink.Deliver(limited, events)
	var drop *DropError
	dropped := errors.As(err, &drop)
	if err != nil && !dropped {
		return err
	}
	s.count(func(st *Stats) {
		n := uint64(len(events))
		if dropped {
			n -= min(n, drop.Events)
			st.Dropped += drop.Events
		}
		st.Delivered += n
		st.Oldest, st.LastError = time.Time{}, ""
		if dropped {
			st.LastError = drop.Error()
		}
	})
	s.acked, s.dirty = s.reader.at.clone(), true
	s.wait.reset()
	if dropped {
		s.opt.Notice(fmt.Sprintf("sink %s: %v", s.spec.Name, drop))
	}
	if s.failed {
		s.failed = false
		s.opt.Notice(fmt.Sprintf("sink %s: works again", s.spec.Name))
	}
	return nil
}

// keep writes the cursor down where it moved: soon, or at once where there is
// nothing else to do.
func (s *shipper) keep(now bool) error {
	if !s.dirty || !now && s.opt.Now().Sub(s.kept) < keepEvery {
		return nil
	}
	if err := s.acked.keep(s.opt.Cursors, s.spec.Name); err != nil {
		return err
	}
	s.kept, s.dirty = s.opt.Now(), false
	return nil
}

func (s *shipper) close() {
	if err := s.keep(true); err != nil {
		s.tell(err)
	}
	if s.sink != nil {
		_ = s.sink.Close() // everything that counts was delivered or will be again
	}
}

// tell counts a failure, and says so where it is a new one.
func (s *shipper) tell(err error) {
	s.count(func(st *Stats) {
		st.Failures++
		st.LastError = err.Error()
	})
	if !s.failed {
		s.failed = true
		s.opt.Notice(fmt.Sprintf("sink %s: %v; it is tried again, and what is recorded waits in the log", s.spec.Name, err))
	}
}

// breaks counts that a slot cannot be read on, and says so where it is news. The
// other slots go on.
func (s *shipper) breaks(err error) {
	s.count(func(st *Stats) {
		st.Breaks++
		st.LastError = err.Error()
	})
	if s.broken == nil || s.broken.Error() != err.Error() {
		s.opt.Notice(fmt.Sprintf("sink %s: %v; see: custos audit verify", s.spec.Name, err))
	}
	s.broken = err
}

func (s *shipper) count(change func(*Stats)) { s.opt.Board.update(s.spec.Name, change) }
