package audit

import (
	"errors"
	"fmt"
	"time"
)

// The log has one meaning of failure. Any error of a write, an fdatasync or
// an extension, a short write and a write past its deadline end it: the next
// fdatasync on the same file may succeed without having written anything, so
// nothing is tried again.

// errDeadline is the cause of a failure where the disk did not answer.
var errDeadline = errors.New("the disk did not answer within the write deadline")

// Err returns why the log failed, wrapping [ErrFailed], and nil while it works.
func (l *Log) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Done is closed when the log has failed. It stays open after an orderly Close.
func (l *Log) Done() <-chan struct{} { return l.failed }

// reason returns the error for what is refused now. l.mu is held.
func (l *Log) reason() error {
	if l.err != nil {
		return l.err
	}
	return ErrClosed
}

// poison ends the log: whoever waits is told so, and so is whoever comes.
func (l *Log) poison(cause error) {
	l.mu.Lock()
	if l.err != nil {
		l.mu.Unlock()
		return
	}
	l.err = fmt.Errorf("%w: %w", ErrFailed, cause)
	groups := append([]*group{}, l.full...)
	for _, g := range []*group{l.current, l.filling} {
		if g != nil {
			groups = append(groups, g)
		}
	}
	l.full, l.filling, l.current = nil, nil, nil
	l.rouse()
	last, err, crumbs := l.durable, l.err, l.crumbs
	l.mu.Unlock()
	close(l.failed)
	for _, g := range groups {
		g.err = err
		close(g.done)
	}
	go l.leaveCrumbs(crumbs, last, cause)
	go func() {
		l.awaitCrumb()
		if l.opt.Failed != nil {
			l.opt.Failed(err)
		}
	}()
}

// condemn ends a log whose files somebody changed. One more record says so,
// where it can still be written: it is evidence of what was found, and nothing
// else is admitted after it.
func (l *Log) condemn(found error) {
	t := l.Append(Record{Kind: KindAnomaly, Detail: "evidence: " + found.Error()})
	written := make(chan struct{})
	go func() { defer close(written); _ = t.Wait() }()
	wait := time.NewTimer(crumbWait)
	defer wait.Stop()
	select {
	case <-written:
	case <-wait.C:
	}
	l.poison(found)
}

// attend notes that the writer goes to the disk, and sets somebody to watch
// it. The timer runs on while writes follow each other, so that a write costs
// no timer. l.mu is held.
func (l *Log) attend() {
	l.since = time.Now()
	if !l.watched {
		l.watched = true
		l.watch.Reset(l.opt.WriteDeadline)
	}
}

// watchDue looks whether the writer has been at the disk for too long.
func (l *Log) watchDue() {
	l.mu.Lock()
	if l.since.IsZero() || l.err != nil {
		l.watched = false
		l.mu.Unlock()
		return
	}
	left := l.opt.WriteDeadline - time.Since(l.since)
	if left > 0 {
		l.watch.Reset(left)
	}
	l.mu.Unlock()
	if left <= 0 {
		l.poison(errDeadline)
	}
}
