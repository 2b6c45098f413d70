package audit

import (
	"runtime"
	"slices"
	"time"
)

// At any time at most one goroutine writes: the log's own ([Log.run]), or one
// that waits for its record and does the work itself ([Log.lead]). Who writes
// is l.current; what only the writer touches is l.segment.

// take returns the next group to commit, waiting for one. It returns nil when
// the log is closing and everything is committed, or when it failed.
func (l *Log) take() *group {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.err == nil {
		if l.current == nil {
			if g := l.ready(); g != nil {
				l.begin(g)
				return g
			}
			if l.closing {
				return nil
			}
		}
		l.asleep = true
		l.mu.Unlock()
		<-l.wake
		l.mu.Lock()
	}
	return nil
}

// ready removes and returns the group that is to be committed now, if any.
// l.mu is held.
func (l *Log) ready() *group {
	if len(l.full) > 0 {
		g := l.full[0]
		l.full = slices.Delete(l.full, 0, 1)
		return g
	}
	g := l.filling
	if g == nil || g.records == 0 || !g.eager && !l.due && !l.closing {
		return nil
	}
	l.filling, l.due = nil, false
	return g
}

// begin makes the caller the writer, of g. l.mu is held.
func (l *Log) begin(g *group) {
	l.current = g
	l.attend()
}

// run is the log's own goroutine: one group after the other until the end.
func (l *Log) run() {
	defer close(l.stopped)
	for g := l.take(); g != nil; g = l.take() {
		if !l.write(g) {
			return
		}
		if g.records > 1 {
			// Those just woken append before the next group is taken, which
			// doubles what one fdatasync covers.
			runtime.Gosched()
		}
	}
	l.finish()
}

// hurry has the log's own goroutine commit g.
func (l *Log) hurry(g *group) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !g.eager {
		g.eager = true
		l.rouse()
	}
}

// lead commits g in the calling goroutine, and what is to be committed before
// it, as long as nobody else writes.
func (l *Log) lead(g *group) {
	for next := l.lend(g); next != nil && l.write(next) && next != g; {
		next = l.lend(g)
	}
}

// lend makes the caller the writer of the next group, up to g, unless somebody
// writes already: then whoever does hands g on.
func (l *Log) lend(g *group) *group {
	l.mu.Lock()
	defer l.mu.Unlock()
	g.eager = true
	if l.current != nil || l.err != nil || g.last.Seq <= l.durable.Seq {
		return nil
	}
	next := l.ready()
	if next != nil {
		l.begin(next)
	}
	return next
}

// write makes a group durable and resolves its tickets. It reports false where
// the log failed.
func (l *Log) write(g *group) bool {
	if err := l.commit(g); err != nil {
		l.poison(err)
		return false
	}
	return l.acknowledge(g)
}

// commit makes one group durable, in a new segment where the group opens one.
func (l *Log) commit(g *group) error {
	g.buf = sealFrame(g.buf)
	if !g.fresh {
		if err := l.glance(l.segment); err != nil {
			return err
		}
		err := l.segment.write(g.buf)
		l.segment.settle()
		return err
	}
	next, err := createSegment(*l.opt.disk, l.path(segmentName(g.first)), l.opt.SegmentSize)
	if err != nil {
		return err
	}
	last := l.segment
	l.segment = next
	if err := next.begin(g.buf); err != nil || last == nil {
		return err
	}
	return last.finish()
}

// acknowledge resolves the tickets of a durable group and lets the next be
// written. It reports false where the deadline passed meanwhile: then the group
// failed, whatever the disk says now.
func (l *Log) acknowledge(g *group) bool {
	l.mu.Lock()
	if l.err != nil {
		l.mu.Unlock()
		return false
	}
	l.segment.prepare()
	l.current, l.since = nil, time.Time{}
	l.durable = g.last
	if cap(g.buf) <= window {
		l.spare = g.buf
	}
	g.buf = nil
	if len(l.full) > 0 || l.closing || l.filling != nil && (l.filling.eager || l.due) {
		l.rouse()
	}
	l.mu.Unlock()
	close(g.done)
	l.keeper.notice()
	return true
}

// finish closes the last segment of an orderly end.
func (l *Log) finish() {
	l.mu.Lock()
	failed := l.err != nil
	l.attend()
	l.mu.Unlock()
	if failed || l.segment == nil {
		return
	}
	if err := l.segment.finish(); err != nil {
		l.poison(err)
	}
	l.mu.Lock()
	l.since = time.Time{}
	l.mu.Unlock()
}

// Close commits what was appended, cuts the prepared space off, signs the head
// and closes the files. It returns the error that ended a log that failed; it does not wait
// for a disk that hangs. The slot's lock stays with the caller.
func (l *Log) Close() error {
	l.mu.Lock()
	l.turn()
	l.closing = true
	l.rouse()
	l.mu.Unlock()
	select {
	case <-l.stopped:
		l.keeper.finish(l.opt.WriteDeadline)
	case <-l.failed:
	}
	if err := l.Err(); err != nil {
		l.awaitCrumb()
		return err
	}
	l.lazy.Stop()
	l.watch.Stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	closeAll(l.crumbs)
	l.crumbs = nil
	return nil
}

// turnSize is how large the last segment may be when a log is closed. Who
// opens a chain reads its last segment, and an agent waits meanwhile.
const turnSize = 1 << 20

// turn begins a new segment for whoever opens the chain next, where the last
// one has grown. l.mu is held.
func (l *Log) turn() {
	if l.closing || l.err != nil || l.segBytes < turnSize {
		return
	}
	if l.filling != nil {
		l.full = append(l.full, l.filling)
		l.filling = nil
	}
	if g := l.room(); !g.fresh {
		l.openSegment(g, l.opt.Now())
	}
}

// Head returns the end of the chain as far as it is durable.
func (l *Log) Head() Head {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.durable
}

// sorted returns the members of a set of sequence numbers in order.
func sorted(set map[uint64]struct{}) []uint64 {
	list := make([]uint64, 0, len(set))
	for seq := range set {
		list = append(list, seq)
	}
	slices.Sort(list)
	return list
}
