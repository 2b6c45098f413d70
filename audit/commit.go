package audit

import (
	"runtime"
	"slices"
	"time"
)

// take returns the next group to commit, waiting for one. It returns nil when
// the log is closing and everything is committed, or when it failed.
func (l *Log) take() *group {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.err == nil {
		if g := l.ready(); g != nil {
			l.current = g
			l.attend()
			return g
		}
		if l.closing {
			return nil
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

// run is the writing goroutine: one group after the other until the end. s is
// the segment to continue, nil where the chain begins.
func (l *Log) run(s *segment) {
	defer close(l.stopped)
	if s != nil {
		s.prepare()
	}
	for g := l.take(); g != nil; g = l.take() {
		next, err := l.commit(s, g)
		if err != nil {
			l.poison(err)
			return
		}
		s = next
		if !l.acknowledge(g) {
			return
		}
		s.prepare()
		if g.records > 1 {
			// Those just woken append before the next group is taken, which
			// doubles what one fdatasync covers.
			runtime.Gosched()
		}
	}
	l.finish(s)
}

// commit makes one group durable, in a new segment where the group opens one,
// and returns the segment that the next group goes to.
func (l *Log) commit(s *segment, g *group) (*segment, error) {
	g.buf = sealFrame(g.buf)
	if !g.fresh {
		if err := l.glance(s); err != nil {
			return s, err
		}
		err := s.write(g.buf)
		s.settle()
		return s, err
	}
	next, err := createSegment(*l.opt.disk, l.path(segmentName(g.first)), l.opt.SegmentSize)
	if err != nil {
		return s, err
	}
	if err := next.begin(g.buf); err != nil || s == nil {
		return next, err
	}
	return next, s.finish()
}

// acknowledge resolves the tickets of a durable group. It reports false where
// the deadline passed meanwhile: then the group failed, whatever the disk says
// now.
func (l *Log) acknowledge(g *group) bool {
	l.mu.Lock()
	if l.err != nil {
		l.mu.Unlock()
		return false
	}
	l.current, l.since = nil, time.Time{}
	l.durable = g.last
	if cap(g.buf) <= window {
		l.spare = g.buf
	}
	g.buf = nil
	l.mu.Unlock()
	close(g.done)
	l.keeper.notice()
	return true
}

// finish closes the last segment of an orderly end.
func (l *Log) finish(s *segment) {
	l.mu.Lock()
	failed := l.err != nil
	l.attend()
	l.mu.Unlock()
	if failed || s == nil {
		return
	}
	if err := s.finish(); err != nil {
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
