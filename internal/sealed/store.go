package sealed

import (
	"crypto/cipher"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// The defaults of [Options].
const (
	DefaultKeep = 30 * 24 * time.Hour
	DefaultSize = 256 << 20
	// queueBytes bounds what waits to be written; what comes on top is left out.
	queueBytes = 4 << 20
	queueCalls = 512
	// batch is how much is written at once.
	batch = 256 << 10
	// gather is how long the first call waits for others: to wake a thread for
	// each would slow every call down.
	gather = 100 * time.Millisecond
)

// Options configure a [Store].
type Options struct {
	// Open returns the slot's folder, which MUST be the user's own, and the seal
	// key. It is called once, before the first entry is written, so that a
	// process which seals nothing makes nothing.
	Open func() (dir string, key []byte, err error)
	// Root is the folder of all slots: what is too old in it is removed. "":
	// nothing is.
	Root string
	// Keep is how long an entry may live, Size how much a slot may hold.
	Keep time.Duration
	Size int64
	// Mask cuts known secrets out of params, and reports whether it did. nil:
	// none are known.
	Mask func(string) (string, bool)
	// Failed is told once why nothing is sealed any more.
	Failed func(error)
	// Now is the clock, time.Now by default.
	Now func() time.Time
}

// Store is the writing end of one slot. Its methods may be called from any
// number of goroutines. The zero of its goroutine is none: it starts with the
// first call.
type Store struct {
	opt     Options
	once    sync.Once
	queue   chan item
	waiting atomic.Int64
	left    atomic.Int64
	full    chan struct{} // half of the room is taken; holds one token
	ending  chan struct{} // Close was called
	mu      sync.RWMutex  // guards closed against senders
	closed  bool
	done    chan struct{}
}

type item struct {
	place Place
	call  Call
}

// New returns a store. It touches no file.
func New(o Options) *Store {
	if o.Keep <= 0 {
		o.Keep = DefaultKeep
	}
	if o.Size <= 0 {
		o.Size = DefaultSize
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Store{opt: o, queue: make(chan item, queueCalls), full: make(chan struct{}, 1), ending: make(chan struct{}), done: make(chan struct{})}
}

// Seal keeps a call. It returns at once and never fails: what cannot be kept is
// counted by [Store.LeftOut]. A nil Store keeps nothing.
func (s *Store) Seal(p Place, c Call) {
	if s == nil {
		return
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	n := int64(len(c.Params))
	if s.closed || n > maxEntry || s.waiting.Add(n) > queueBytes {
		if !s.closed && n <= maxEntry {
			s.waiting.Add(-n)
		}
		s.left.Add(1)
		return
	}
	s.once.Do(func() { go s.run() })
	select {
	case s.queue <- item{p, c}:
	default:
		s.waiting.Add(-n)
		s.left.Add(1)
	}
	if len(s.queue) < queueCalls/2 && s.waiting.Load() < batch {
		return
	}
	select {
	case s.full <- struct{}{}:
	default:
	}
}

// LeftOut returns how many calls found no room, or could not be written.
func (s *Store) LeftOut() int64 { return s.left.Load() }

// Close writes what waits and closes the file.
func (s *Store) Close() {
	if s == nil {
		return
	}
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.queue)
		close(s.ending)
	}
	s.mu.Unlock()
	s.once.Do(func() { close(s.done) }) // nothing was ever sealed
	<-s.done
}

// run writes until the queue is closed. After an error it only empties it.
func (s *Store) run() {
	defer close(s.done)
	w := writer{opt: &s.opt}
	defer w.close()
	hourly := time.NewTicker(min(time.Hour, s.opt.Keep))
	defer hourly.Stop()
	var failed error
	for {
		var it item
		var open bool
		select {
		case it, open = <-s.queue:
		case <-hourly.C:
			if failed == nil && s.opt.Root != "" {
				_ = Prune(s.opt.Root, s.opt.Keep, s.opt.Now()) // again in an hour
			}
			continue
		}
		if !open {
			return
		}
		s.gather()
		for open {
			s.waiting.Add(-int64(len(it.call.Params)))
			if failed != nil || !w.add(it) {
				s.left.Add(1)
			}
			if len(w.buf) >= batch {
				break
			}
			select {
			case it, open = <-s.queue:
				continue
			default:
			}
			break
		}
		if err := w.flush(); err != nil && failed == nil {
			failed = err
			if s.opt.Failed != nil {
				s.opt.Failed(err)
			}
		}
	}
}

// gather waits for more to be written.
func (s *Store) gather() {
	pause := time.NewTimer(gather)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-s.full:
	case <-s.ending:
	}
}

// writer is what the goroutine works with.
type writer struct {
	opt  *Options
	dir  string
	key  []byte
	f    *os.File
	head header
	aead cipher.AEAD
	size int64
	buf  []byte
	err  error
}

// add seals one call into the buffer, in a file that has room for it.
func (w *writer) add(it item) bool {
	if w.err != nil {
		return false
	}
	if w.err = w.ready(it.place.Seq); w.err != nil {
		return false
	}
	if w.opt.Mask != nil {
		var masked bool
		it.call.Params, masked = w.opt.Mask(it.call.Params)
		it.call.Masked = it.call.Masked || masked
	}
	var ok bool
	w.buf, ok = appendEntry(w.buf, w.aead, it.place, &it.call)
	return ok
}

// ready makes sure that there is a file for the next entry.
func (w *writer) ready(seq uint64) error {
	now := w.opt.Now()
	if w.f != nil && w.size+int64(len(w.buf)) < maxFile && !w.old(w.head.created, now) {
		return nil
	}
	if w.f != nil {
		if err := w.flush(); err != nil {
			return err
		}
		w.close()
	}
	if w.dir == "" {
		var err error
		if w.dir, w.key, err = w.opt.Open(); err != nil {
			return err
		}
		if w.opt.Root != "" {
			if err := Prune(w.opt.Root, w.opt.Keep, now); err != nil {
				return err
			}
		}
	}
	list, err := files(w.dir)
	if err != nil {
		return err
	}
	if list, err = prune(list, w.opt.Keep, w.opt.Size-maxFile, now); err != nil {
		return err
	}
	if n := len(list); n > 0 && w.resume(list[n-1], now) {
		return nil
	}
	return w.begin(seq, now)
}

// old reports whether a file takes no more entries.
func (w *writer) old(created, now time.Time) bool {
	return now.Sub(created) >= min(w.opt.Keep/10, 24*time.Hour) || now.Before(created)
}

// resume goes on with the newest file, if it has room, is of this key and can be
// read. What a crash left of an entry at its end is cut off.
func (w *writer) resume(last file, now time.Time) bool {
	if last.size >= maxFile || w.old(last.created, now) {
		return false
	}
	f, err := openRegular(last.path, os.O_RDWR)
	if err != nil {
		return false
	}
	h, err := readHeader(f)
	var aead cipher.AEAD
	if err == nil {
		aead, err = h.open(w.key)
	}
	var end int64
	if err == nil {
		end, err = walk(f, func(int64, uint64, int) bool { return true })
	}
	if err == nil {
		err = f.Truncate(end)
	}
	if err == nil {
		_, err = f.Seek(end, 0)
	}
	if err != nil {
		_ = f.Close()
		return false
	}
	w.f, w.head, w.aead, w.size = f, h, aead, end
	return true
}

// begin starts a file.
func (w *writer) begin(seq uint64, now time.Time) error {
	h, err := newHeader(w.key, now)
	if err != nil {
		return err
	}
	aead, err := h.open(w.key)
	if err != nil {
		return err
	}
	f, err := openRegular(filepath.Join(w.dir, fileName(seq, now)), os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	if _, err := f.Write(h.bytes()); err != nil {
		return errors.Join(err, f.Close())
	}
	w.f, w.head, w.aead, w.size = f, h, aead, int64(headerSize)
	return nil
}

// flush writes the buffer.
func (w *writer) flush() error {
	if w.err != nil || len(w.buf) == 0 {
		return w.err
	}
	n, err := w.f.Write(w.buf)
	w.size += int64(n)
	w.buf = w.buf[:0]
	if cap(w.buf) > 2*batch {
		w.buf = nil
	}
	w.err = err
	return err
}

func (w *writer) close() {
	if w.f != nil {
		_ = w.f.Close() // nothing here is promised to be durable
		w.f = nil
	}
}
