package gateway

import (
	"io"
	"sync"
)

// waiter is a durable record to wait for. Wait returns an error where the
// record could not be made durable.
type waiter interface{ Wait() error }

// item is one line on its way.
type item struct {
	// wait is awaited before anything else; nil needs no evidence.
	wait waiter
	// frame is written, with a line end.
	frame []byte
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
	room  func(n int) bool // whether w takes n bytes at once; nil: always
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
	return l
}

// Send puts a line at the end of the lane. It blocks while the lane is full:
// a slow reader slows its writer down instead of filling our memory. After
// Close it does nothing.
func (l *lane) Send(it item) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if (it.wait == nil || it.patient) && !l.busy && len(l.queue) == 0 && !l.shut && l.takes(len(it.frame)+1) {
		l.carry(it)
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

// takes reports whether the sender may write n bytes itself. A server that does
// not read must not keep the client's reader from seeing that the client left.
func (l *lane) takes(n int) bool { return l.room == nil || l.room(n) }

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
		l.carry(it)
	}
}

// carry awaits and writes one line. The caller holds mu, which is given up
// meanwhile; busy keeps the order.
func (l *lane) carry(it item) {
	broken := l.err != nil
	l.busy = true
	l.mu.Unlock()
	err := l.deliver(it, broken)
	l.mu.Lock()
	l.busy = false
	l.moved++
	if err != nil && l.err == nil {
		l.err = err
		go l.lost(err) // it may call Send or Close
	}
	l.more.Broadcast()
}

func (l *lane) deliver(it item, broken bool) error {
	if it.wait != nil {
		if err := it.wait.Wait(); err != nil {
			it.frame = it.failed(err)
		}
	}
	if broken || it.frame == nil {
		return nil
	}
	l.buf = append(append(l.buf[:0], it.frame...), '\n')
	_, err := l.w.Write(l.buf) // one line, one write
	if cap(l.buf) > maxKept {
		l.buf = nil
	}
	return err
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
