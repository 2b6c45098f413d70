package gateway

import (
	"errors"
	"io"
	"os"
	"slices"
	"sync"
	"time"
)

// waiter is a durable record to wait for. Wait returns an error where the
// record could not be made durable.
type waiter interface{ Wait() error }

// item is one line on its way.
type item struct {
	// wait is awaited before anything else; nil needs no evidence.
	wait waiter
	// frame is written, with a line end, or as it is where it is the rest of a
	// line.
	frame []byte
	rest  bool
	// patient says that the sender may wait for the evidence itself.
	patient bool
	// failed runs when the evidence is not durable; what it returns is written
	// instead of frame (nil: nothing is). It MUST NOT send to its own lane.
	failed func(error) []byte
}

// lane writes lines to one stream in the order in which they were sent, each
// only once its evidence is durable. Send may be called by any number of
// goroutines. A line that finds the lane idle is carried by the caller, where
// it waits for nothing or the caller says that it has nothing else to do: that
// saves a switch of goroutines, which costs more than a decision.
type lane struct {
	w     io.Writer
	dead  deadliner // w, where it can be told to give up
	limit int
	lost  func(error)

	mu    sync.Mutex
	more  sync.Cond // signalled when anything below changes
	queue []item
	bytes int   // what the queue costs; Send blocks while it exceeds limit
	busy  bool  // somebody holds the next line and is outside the lock
	shut  bool  // Close was called
	err   error // the first write error; every later line is dropped
	moved int   // lines carried so far

	buf []byte // owned by whoever is busy
}

// deadliner is a stream whose writes can be bounded.
type deadliner interface{ SetWriteDeadline(time.Time) error }

// impatience is how long a sender carries its own line. A server that does not
// read must not keep the client's reader from seeing that the client is gone.
const impatience = time.Second

// maxKept is the largest write buffer kept between lines: one rare large
// frame must not stay resident.
const maxKept = 256 << 10

// itemCost is roughly what one queued line takes beside its bytes: without it
// a queue of short lines would take twice its limit.
const itemCost = 128

// newLane returns a lane over w. lost is told once, from a goroutine of its
// own, when the stream can no longer be written.
func newLane(w io.Writer, limit int, lost func(error)) *lane {
	l := &lane{w: w, limit: limit, lost: lost}
	l.more.L = &l.mu
	l.dead, _ = w.(deadliner)
	return l
}

// Send puts a line at the end of the lane. It blocks while the lane is full:
// a slow reader slows its writer down instead of filling our memory. After
// Close it does nothing.
func (l *lane) Send(it item) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if (it.wait == nil || it.patient) && !l.busy && len(l.queue) == 0 && !l.shut {
		l.carry(it, true)
		return
	}
	for l.bytes > l.limit && !l.shut {
		l.more.Wait()
	}
	if l.shut {
		return
	}
	l.queue = append(l.queue, it)
	l.bytes += len(it.frame) + itemCost
	l.more.Broadcast()
}

// Run carries lines until the lane is closed and empty.
func (l *lane) Run() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		for l.busy || (len(l.queue) == 0 && !l.shut) {
			l.more.Wait()
		}
		if len(l.queue) == 0 {
			return
		}
		it := l.queue[0]
		l.queue[0] = item{} // the frame must not stay reachable
		if l.queue = l.queue[1:]; len(l.queue) == 0 {
			l.queue = nil
		}
		l.bytes -= len(it.frame) + itemCost
		l.carry(it, false)
	}
}

// carry awaits and writes one line. The caller holds mu, which is given up
// meanwhile; busy keeps the order. A sender that carries its own line leaves
// the rest of it to Run after a while.
func (l *lane) carry(it item, own bool) {
	broken := l.err != nil
	l.busy = true
	l.mu.Unlock()
	rest, err := l.deliver(it, broken, own)
	l.mu.Lock()
	if rest != nil {
		l.queue = slices.Insert(l.queue, 0, item{frame: rest, rest: true})
		l.bytes += len(rest) + itemCost
	}
	l.busy = false
	l.moved++
	if err != nil && l.err == nil {
		l.err = err
		go l.lost(err) // it may call Send or Close
	}
	l.more.Broadcast()
}

// deliver returns what of the line it left to be written.
func (l *lane) deliver(it item, broken, own bool) (rest []byte, err error) {
	if it.wait != nil {
		if err := it.wait.Wait(); err != nil {
			it.frame = it.failed(err)
		}
	}
	if broken || it.frame == nil {
		return nil, nil
	}
	l.buf = append(l.buf[:0], it.frame...)
	if !it.rest {
		l.buf = append(l.buf, '\n')
	}
	n, err := l.write(own)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		rest, err = slices.Clone(l.buf[n:]), nil
	}
	if cap(l.buf) > maxKept {
		l.buf = nil
	}
	return rest, err
}

// write writes buf, which is one line: one line, one write.
func (l *lane) write(own bool) (int, error) {
	if !own || l.dead == nil || l.dead.SetWriteDeadline(time.Now().Add(impatience)) != nil {
		return l.w.Write(l.buf)
	}
	n, err := l.w.Write(l.buf)
	_ = l.dead.SetWriteDeadline(time.Time{}) // it could be set, so it can be lifted
	return n, err
}

// Carried returns how many lines were written or dropped so far.
func (l *lane) Carried() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.moved
}

// Close lets Run return once everything queued was carried.
func (l *lane) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shut = true
	l.more.Broadcast()
}
