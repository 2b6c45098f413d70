package audit

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// The defaults of [Options].
const (
	DefaultSegmentSize   = 64 << 20
	DefaultSegmentAge    = time.Hour
	DefaultWriteDeadline = 5 * time.Second
	// lazyDelay is how long a record that nobody waits for does so itself. With one
	// commit it stays below the 100 ms within which an outcome is durable.
	lazyDelay = 50 * time.Millisecond
)

var (
	// ErrFailed marks a record that is not durable and never will be, and a log
	// that accepts no more of them.
	ErrFailed = errors.New("audit: the log failed")
	// ErrTampered marks a log that somebody changed.
	ErrTampered = errors.New("audit: the log was tampered with")
	// ErrTooLarge refuses a single record; the log goes on.
	ErrTooLarge = errors.New("audit: record larger than 1 MiB")
	// ErrClosed is returned for records appended after Close.
	ErrClosed = fmt.Errorf("%w: it was closed", ErrFailed)
)

// Options configure [Open].
type Options struct {
	// Slot is the number of the chain, from 0 below [MaxSlots].
	Slot int
	// Instance names the state directory; it is required, stands in every
	// segment and MUST be the same in all of them.
	Instance string
	// Key signs checkpoints. nil: none are signed, and the log can only be
	// checked against itself.
	Key ed25519.PrivateKey
	// Keys are the keys of the instance, of which Key MUST be the current one:
	// rotations that the chain does not hold yet are recorded when it is opened.
	// The zero Keys stands for Key alone. Instance MUST be theirs.
	Keys Keys
	// SegmentSize and SegmentAge bound a segment; a group that exceeds the size
	// is not split.
	SegmentSize int64
	SegmentAge  time.Duration
	// WriteDeadline is how long one write may take before the disk counts as
	// failed.
	WriteDeadline time.Duration
	// Retention is how long records are kept; 0: for ever. Whole segments expire,
	// and only what a checkpoint counts, so that Key MUST be given too.
	Retention time.Duration
	// Delivered returns, by their names, which record each reader of the chain has
	// that is to get all of them. A record expires once every reader has it, or
	// Undelivered after its time was over; 0: it waits for as long as that takes.
	// It is called by a goroutine of the log, where records are over. nil: nobody
	// is waited for.
	Delivered   func() map[string]uint64
	Undelivered time.Duration
	// Secondary is a directory, better on another disk, for a second breadcrumb
	// of a log that fails. It MUST exist. "": there is none.
	Secondary string
	// Redact changes a record before it is stored: it hides what nobody may read
	// in the log. It MUST NOT change what the record points to, but replace it,
	// and is called by any number of goroutines. nil: records stay as they are.
	Redact func(*Record)
	// Now is the clock, time.Now by default.
	Now func() time.Time
	// Failed is called once, on its own goroutine, when the log failed.
	Failed func(error)

	disk  *disk
	every time.Duration // between checkpoints
	look  time.Duration // between looks for what expired
	// steady is time since some moment, which nobody can set.
	steady func() time.Duration
	// patrol is the time between two looks of the monitor.
	patrol time.Duration
}

// defaults fills what the caller left out.
func (o *Options) defaults() error {
	if o.Instance == "" {
		return errors.New("audit: no instance id given")
	}
	if o.Slot < 0 || o.Slot >= MaxSlots {
		return fmt.Errorf("audit: slot %d is not in 0…%d", o.Slot, MaxSlots-1)
	}
	if o.Key != nil {
		public := o.Key.Public().(ed25519.PublicKey)
		if o.Keys.IsZero() {
			o.Keys = NewKeys(public)
		}
		if o.Instance != o.Keys.Instance() || !public.Equal(o.Keys.Current()) {
			return errors.New("audit: the key is not that of the instance")
		}
	}
	if o.SegmentSize <= 0 {
		o.SegmentSize = DefaultSegmentSize
	}
	if o.SegmentAge <= 0 {
		o.SegmentAge = DefaultSegmentAge
	}
	if o.WriteDeadline <= 0 {
		o.WriteDeadline = DefaultWriteDeadline
	}
	if o.every <= 0 {
		o.every = checkpointEvery
	}
	if o.look <= 0 {
		o.look = expireEvery
	}
	if o.steady == nil {
		begun := time.Now()
		o.steady = func() time.Duration { return time.Since(begun) }
	}
	if o.patrol <= 0 {
		o.patrol = patrolEvery
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.disk == nil {
		d := osDisk()
		o.disk = &d
	}
	return nil
}

// Log is the writing end of one chain. Its methods may be called from any
// number of goroutines.
type Log struct {
	dir string
	opt Options

	mu      sync.Mutex
	head    Head                // of what was appended
	prev    string              // head's hash, as the next record carries it
	durable Head                // of what is known to be on disk
	open    map[uint64]struct{} // admissions without outcome
	filling *group              // takes the next record; nil: none
	full    []*group            // wait before filling
	current *group              // is being written
	spare   []byte              // buffer for the next group
	lazy    *time.Timer         // wakes the writer for records nobody waits for
	armed   bool
	due     bool // the timer fired
	asleep  bool // the writer waits for wake
	closing bool
	err     error // why the log failed

	watch   *time.Timer // looks after a writer that hangs
	watched bool
	since   time.Time // when the writer went to the disk; zero: it is not there

	segment  *segment // open for writing; only the writer touches it
	segName  string   // the segment that the next group belongs to
	segBytes int64
	segBegan time.Time

	generation int // of the key in force, among Options.Keys

	keeper  *keeper       // nil: no checkpoints are signed
	crumbs  []*os.File    // the emergency files, open from the start
	wake    chan struct{} // holds at most one token
	stopped chan struct{} // the writer is gone
	failed  chan struct{} // the log failed
	told    chan struct{} // and the breadcrumb was left
}

// Open continues the chain in dir (log/NN), or begins it. The caller MUST hold
// the slot's lock ([Lock]); dir MUST exist.
//
// A commit group that a crash cut short at the very end is removed and the
// removal recorded. Any other break, and any break at all below the newest
// signed checkpoint, is refused with an error that wraps [ErrTampered]: Open
// never repairs. Admissions that an earlier process left
// without an outcome get an outcome_unknown record. Everything that Open
// records is durable when it returns.
//
// Where the disk does not answer for twice the write deadline, Open gives up
// with [ErrFailed].
func Open(dir string, opt Options) (*Log, error) {
	if err := opt.defaults(); err != nil {
		return nil, err
	}
	type result struct {
		l   *Log
		err error
	}
	done := make(chan result)
	late := make(chan struct{})
	go func() {
		l, err := open(dir, opt)
		select {
		case done <- result{l, err}:
		case <-late:
			if err == nil {
				_ = l.Close() // nobody is there to hear of it
			}
		}
	}()
	t := time.NewTimer(2 * opt.WriteDeadline)
	defer t.Stop()
	select {
	case r := <-done:
		return r.l, r.err
	case <-t.C:
		close(late)
		return nil, fmt.Errorf("%w: open %s: %w", ErrFailed, dir, errDeadline)
	}
}

// open is Open without a deadline.
func open(dir string, opt Options) (*Log, error) {
	signed, err := ownCheckpoint(dir, &opt)
	if err != nil {
		return nil, err
	}
	r, err := recoverChain(dir, &opt, signed.Size)
	if err != nil {
		return nil, err
	}
	l := &Log{
		dir: dir, opt: opt,
		head: r.head, prev: r.head.prev(), durable: r.head, open: r.open,
		segName: r.segment, segBytes: r.end, segBegan: r.began, generation: r.generation,
		wake: make(chan struct{}, 1), stopped: make(chan struct{}),
		failed: make(chan struct{}), told: make(chan struct{}),
	}
	if r.crumb != nil || r.sealed {
		l.segBegan = time.Time{} // a chain that failed, or was sealed, goes on in a new file
	}
	if r.segment != "" {
		if l.segment, err = resumeSegment(*opt.disk, l.path(r.segment), r.end, opt.SegmentSize); err != nil {
			return nil, fmt.Errorf("audit: %w", err)
		}
		l.segment.prepare()
	}
	l.lazy, l.watch = idleTimer(l.lazyDue), idleTimer(l.watchDue)
	if opt.Key != nil {
		l.keeper = newKeeper(l, signed)
		go l.keeper.run()
	}
	go l.run()
	if err := l.settle(r); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	l.keeper.notice() // of what an earlier process left unsigned
	return l, nil
}

// settle records what recovery found, or, where there is nothing to say, at
// least the genesis record, and prepares the emergency file.
func (l *Log) settle(r *recovery) error {
	found := append(l.opt.Keys.since(r.generation), r.report(&l.opt)...)
	for _, rec := range found {
		if err := l.Append(rec).Wait(); err != nil {
			return err
		}
	}
	if r.segment == "" && len(found) == 0 {
		l.mu.Lock()
		g := l.room()
		l.mu.Unlock()
		if err := (Ticket{g: g, l: l}).Wait(); err != nil {
			return err
		}
	}
	files, err := openCrumbs(l.dir, &l.opt)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	l.mu.Lock()
	l.crumbs = files
	l.mu.Unlock()
	return nil
}

// idleTimer returns a timer for f that does not run yet.
func idleTimer(f func()) *time.Timer {
	t := time.AfterFunc(time.Hour, f)
	t.Stop()
	return t
}

func (l *Log) path(name string) string { return filepath.Join(l.dir, name) }

// Append adds a record to the chain and returns at once. The order of calls is
// the order in the log. The caller MUST wait for the ticket before it acts on
// the record; a record that is refused has a ticket that fails. A record that
// nobody waits for rides with the next one that somebody does, and is durable
// within 100 ms.
func (l *Log) Append(rec Record) Ticket {
	r := &rec
	if l.opt.Redact != nil {
		l.opt.Redact(r)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil || l.closing {
		return refused(l.opt.Slot, l.reason())
	}
	g := l.room()
	now := l.opt.Now()
	if !l.put(g, r, now) {
		return refused(l.opt.Slot, ErrTooLarge)
	}
	if !l.armed {
		l.armed = true
		l.lazy.Reset(lazyDelay)
	}
	return Ticket{slot: l.opt.Slot, seq: r.Seq, g: g, l: l}
}

// rouse wakes the log's own goroutine if it sleeps and can write. l.mu is held.
func (l *Log) rouse() {
	if l.asleep && (l.current == nil || l.err != nil) {
		l.asleep = false
		l.wake <- struct{}{}
	}
}

// lazyDue runs when records that nobody waits for have waited long enough.
func (l *Log) lazyDue() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.armed = false
	if l.filling != nil {
		l.due = true
		l.rouse()
	}
}
