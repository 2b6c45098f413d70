package gateway

import (
	"io"
	"sync"
)

// evidence is a record that a line waits for.
type evidence interface {
	// Settled reports whether Wait would return at once.
	Settled() bool
	// Wait returns nil once the record is durable, and an error where that is
	// not possible.
	Wait() error
	// Commit is Wait in the calling goroutine where nobody else is at the disk.
	// It may never come back where the disk does not: see [lane.Relieve].
	Commit() error
}

// item is one line on its way.
type item struct {
	// wait is awaited before anything else; nil needs no evidence.
	wait evidence
	// frame is written, with a line end.
	frame []byte
	// patient says that the sender has nothing else to do than to wait for the
	// evidence itself.
	patient bool
	// failed runs when the evidence is not durable; what it returns is written
	// instead of frame (nil: nothing is). It MUST NOT send to its own lane.
	failed func(error) []byte
}

func (it *item) settled() bool { return it.wait == nil || it.wait.Settled() }

// lane writes lines to one stream in the order in which they were sent, each
// only once its evidence is durable. Lines that are ready together are written
// together: every write wakes whoever reads, which costs more than a decision.
//
// Any number of goroutines may send. Where nothing has to be waited for, the
// sender carries its lines itself; else [lane.Run] does, in a goroutine of its
// own. Whoever waits for evidence goes to the disk for it, so that the lines it
// covers are written by the goroutine that made it durable.
type lane struct {
	w     io.Writer
	room  func(n int) bool // whether w takes n bytes at once; nil: always
	limit int
	lost  func(error)
	done  chan struct{} // closed once the lane is closed and empty

	mu    sync.Mutex
	more  sync.Cond // signalled when anything below changes
	queue []item
	bytes int   // what the queue costs; Send blocks while it exceeds limit
	full  int   // senders that wait for room
	busy  bool  // somebody holds the next lines and is outside the lock
	shut  bool  // Close was called
	err   error // the first write error; every later line is dropped
	moved int   // lines carried so far

	turn    int      // counts who was relieved
	waiting waitsFor // somebody waits for the evidence of awaited
	awaited item

	// Owned by whoever is busy and does not wait.
	batch []item
	buf   []byte
}

// waitsFor says who waits for evidence.
type waitsFor uint8

const (
	nobody waitsFor = iota
	runner          // [lane.Run]
	sender          // a patient one
)

const (
	// maxKept is the largest write buffer kept between lines: one rare large
	// frame must not stay resident.
	maxKept = 256 << 10
	// maxBatch is where a write takes no further line.
	maxBatch = 64 << 10
	// itemCost is roughly what one queued line takes beside its bytes: without
	// it a queue of short lines would take twice its limit.
	itemCost = 128
)

// newLane returns a lane over w. lost is told once, from a goroutine of its
// own, when the stream can no longer be written.
func newLane(w io.Writer, limit int, lost func(error)) *lane {
	l := &lane{w: w, limit: limit, lost: lost, done: make(chan struct{})}
	l.more.L = &l.mu
	return l
}

// Send puts a line at the end of the lane. It blocks while the lane is full:
// a slow reader slows its writer down instead of filling our memory. After
// Close it does nothing.
//
// It returns false where a patient sender was relieved while it waited:
// somebody else goes on in its place, and it MUST return.
func (l *lane) Send(it item) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.bytes > l.limit && !l.shut {
		l.full++
		l.more.Wait()
		l.full--
	}
	if l.shut {
		return true
	}
	l.queue = append(l.queue, it)
	l.bytes += len(it.frame) + itemCost
	if len(l.queue) > 1 || l.busy || !it.patient && !it.settled() || !l.takes() {
		l.more.Broadcast()
		return true
	}
	return l.carry(sender)
}

// takes reports whether the sender may write what is queued itself. A server
// that does not read must not keep the client's reader from seeing that the
// client left.
func (l *lane) takes() bool { return l.room == nil || l.room(l.bytes) }

// Run carries lines until the lane is closed and empty, or it was relieved: then
// another one runs. It MUST be called once.
func (l *lane) Run() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		for l.busy || len(l.queue) == 0 && !l.shut {
			l.more.Wait()
		}
		if len(l.queue) == 0 {
			close(l.done)
			return
		}
		if !l.carry(runner) {
			return
		}
	}
}

// pop takes the line at the head of the queue.
func (l *lane) pop() item {
	it := l.queue[0]
	l.queue[0] = item{} // the frame must not stay reachable
	if l.queue = l.queue[1:]; len(l.queue) == 0 {
		l.queue = nil
	}
	l.bytes -= len(it.frame) + itemCost
	return it
}

// carry awaits the evidence of the next line and writes it, together with what
// follows and waits for nothing. The caller holds mu, which is given up
// meanwhile; busy keeps the order. It returns false where the caller was
// relieved.
func (l *lane) carry(who waitsFor) bool {
	first := l.pop()
	l.busy = true
	if !first.settled() {
		turn := l.turn
		l.waiting, l.awaited = who, first
		l.mu.Unlock()
		_ = first.wait.Commit() // deliver asks again
		l.mu.Lock()
		if l.turn != turn {
			return false
		}
		l.waiting, l.awaited = nobody, item{}
	}
	l.batch = append(l.batch[:0], first)
	for size := len(first.frame); len(l.queue) > 0 && l.queue[0].settled() && size < maxBatch; {
		it := l.pop()
		size += len(it.frame)
		l.batch = append(l.batch, it)
	}
	broken := l.err != nil
	l.mu.Unlock()
	err := l.deliver(broken)
	l.mu.Lock()
	l.busy = false
	l.moved += len(l.batch)
	clear(l.batch)
	if err != nil && l.err == nil {
		l.err = err
		go l.lost(err) // it may call Send or Close
	}
	if len(l.queue) > 0 || l.full > 0 || l.shut {
		l.more.Broadcast() // else it would wake Run for nothing
	}
	return true
}

// deliver writes the batch, in one write.
func (l *lane) deliver(broken bool) error {
	l.buf = l.buf[:0]
	for i := range l.batch {
		it := &l.batch[i]
		frame := it.frame
		if it.wait != nil {
			if err := it.wait.Wait(); err != nil {
				frame = it.failed(err)
			}
		}
		if frame != nil {
			l.buf = append(append(l.buf, frame...), '\n')
		}
	}
	if broken || len(l.buf) == 0 {
		return nil
	}
	_, err := l.w.Write(l.buf)
	if cap(l.buf) > maxKept {
		l.buf = nil
	}
	return err
}

// Relieve is called once evidence can no longer be kept: whoever is at the disk
// for it may never come back, and what it holds is left to another Run. It
// reports whether that was a patient sender, whose own work somebody has to go
// on with.
func (l *lane) Relieve() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	who := l.waiting
	if who == nobody {
		return false
	}
	l.turn++
	l.queue = append([]item{l.awaited}, l.queue...)
	l.bytes += len(l.awaited.frame) + itemCost
	l.busy, l.waiting, l.awaited = false, nobody, item{}
	if who == runner {
		go l.Run()
	}
	l.more.Broadcast()
	return who == sender
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
