package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// group is one commit group: what one frame holds and one fdatasync covers.
type group struct {
	buf     []byte // 8 bytes for the header, then records
	records int
	first   uint64
	last    Head
	eager   bool // somebody waits for it
	fresh   bool // it opens a new segment
	done    chan struct{}
	err     error // read only after done is closed
}

// Head is the end of a chain: the seq and hash of its last record.
type Head struct {
	Seq  uint64
	Hash [sha256.Size]byte
}

// genesisPrev is the prev of a genesis record: the hash of nothing.
const genesisPrev = "0000000000000000000000000000000000000000000000000000000000000000"

// prev returns the value that the record after h carries.
func (h Head) prev() string {
	if h.Seq == 0 {
		return genesisPrev
	}
	return hex.EncodeToString(h.Hash[:])
}

// Ticket stands for one appended record. It is a plain value, and any number
// of goroutines may wait for it.
type Ticket struct {
	slot int
	seq  uint64
	like uint64 // the record that stands for one that was coalesced
	g    *group
	l    *Log // that commits g; nil where waiting starts nothing
}

// Slot and Seq name the record. Seq is 0 where the record was refused.
func (t Ticket) Slot() int { return t.slot }

// Seq returns the sequence number of the record in its slot; 0 where it was
// refused, or coalesced ([Denials]).
func (t Ticket) Seq() uint64 { return t.seq }

// ID returns the record's id, known before the record is durable.
func (t Ticket) ID() string { return FormatID(t.slot, max(t.seq, t.like)) }

// Settled reports whether Wait would return at once. It starts nothing.
func (t Ticket) Settled() bool {
	if t.g == nil {
		return true
	}
	select {
	case <-t.g.done:
		return true
	default:
		return false
	}
}

// Wait returns nil once the record is durable: written, and covered by an
// fdatasync that succeeded. It returns an error that wraps [ErrFailed] where
// that did not happen and never will. Nothing MUST be forwarded on a record
// whose Wait has not returned nil.
//
// Waiting is what starts a commit. The log's own goroutine goes to the disk,
// so that Wait returns at the write deadline even where the disk does not.
func (t Ticket) Wait() error {
	if t.l != nil && !t.Settled() {
		t.l.hurry(t.g)
	}
	return t.result()
}

// Commit is Wait for who can spare the calling goroutine: where nobody is at
// the disk already, it goes there itself, which saves waking two threads. Where
// the disk hangs, Commit hangs with it, beyond the write deadline and perhaps
// for ever: the caller MUST go on in another goroutine when [Log.Done] is
// closed. What Commit returns then MUST NOT be acted on twice.
func (t Ticket) Commit() error {
	if t.l != nil && !t.Settled() {
		t.l.lead(t.g)
	}
	return t.result()
}

func (t Ticket) result() error {
	if t.g == nil {
		return ErrFailed // the zero Ticket stands for no record
	}
	<-t.g.done
	return t.g.err
}

// refused returns a ticket that fails at once.
func refused(slot int, err error) Ticket {
	g := &group{done: make(chan struct{}), err: err}
	close(g.done)
	return Ticket{slot: slot, g: g}
}

// room returns the group that takes the next record, beginning a new one, and
// with it a new segment, where that is due. l.mu is held.
func (l *Log) room() *group {
	if l.filling != nil && len(l.filling.buf) < softGroup {
		return l.filling
	}
	if l.filling != nil {
		l.full = append(l.full, l.filling)
		l.rouse()
	}
	g := &group{buf: l.spare, done: make(chan struct{}), first: l.head.Seq + 1}
	l.spare = nil
	if g.buf == nil {
		g.buf = make([]byte, 0, 2048)
	}
	g.buf = append(g.buf[:0], make([]byte, frameHeader)...)
	l.filling = g
	now := l.opt.Now()
	if l.segName == "" || l.segBytes >= l.opt.SegmentSize || now.Sub(l.segBegan) >= l.opt.SegmentAge {
		l.openSegment(g, now)
	}
	return g
}

// openSegment makes g the first group of a new segment: its first record is
// genesis or segment. l.mu is held.
func (l *Log) openSegment(g *group, now time.Time) {
	r := Record{Kind: KindSegment, Instance: l.opt.Instance, Format: FormatVersion, Previous: l.segName, Open: sorted(l.open)}
	if l.head.Seq == 0 {
		r.Kind = KindGenesis
	}
	if !l.opt.Keys.IsZero() {
		r.Key = recordKey(l.opt.Keys.list[l.generation])
	}
	g.fresh = true
	l.segName, l.segBytes, l.segBegan = segmentName(g.first), fileHeader, now
	l.put(g, &r, now)
}

// put appends one record to a group and moves the head of the chain. It
// reports false, and changes nothing, where the record is too large. l.mu is
// held.
func (l *Log) put(g *group, r *Record, now time.Time) bool {
	r.Version, r.Slot, r.Seq, r.Time, r.Prev = RecordVersion, l.opt.Slot, l.head.Seq+1, now, l.prev
	n := len(g.buf)
	g.buf = appendStored(g.buf, r)
	if len(g.buf)-n > maxRecord {
		g.buf = g.buf[:n]
		return false
	}
	l.head = Head{Seq: r.Seq, Hash: sha256.Sum256(g.buf[n:])}
	l.prev = l.head.prev()
	g.buf = append(g.buf, '\n')
	g.last = l.head
	g.records++
	l.segBytes += int64(len(g.buf) - n)
	switch {
	case r.AwaitsOutcome():
		l.open[r.Seq] = struct{}{}
	case r.Admission != 0:
		delete(l.open, r.Admission)
	case r.Kind == KindKey:
		l.generation++
	}
	return true
}
