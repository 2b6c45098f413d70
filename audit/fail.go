package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// The log has one meaning of failure. Any error of a write, an fdatasync or
// an extension, a short write and a write past its deadline end it: the next
// fdatasync on the same file may succeed without having written anything, so
// nothing is tried again.

const (
	// emergencyName is a file that exists, with its space, before it is needed:
	// a full disk cannot keep the last words of a log from being written.
	emergencyName = "emergency"
	emergencySize = 4096
	// crumbWait is how long anybody waits for the breadcrumb.
	crumbWait = time.Second
)

// errDeadline is the cause of a failure where the disk did not answer.
var errDeadline = errors.New("the disk did not answer within the write deadline")

// Breadcrumb is what a failing log leaves behind in its emergency file.
type Breadcrumb struct {
	// Seq and Hash are the last record known to be durable.
	Seq   uint64    `json:"seq"`
	Hash  string    `json:"hash"`
	Time  time.Time `json:"time"`
	Error string    `json:"error"`
}

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
	last, err, crumb := l.durable, l.err, l.crumb
	l.mu.Unlock()
	close(l.failed)
	for _, g := range groups {
		g.err = err
		close(g.done)
	}
	go l.leaveCrumb(crumb, last, cause)
	go func() {
		l.awaitCrumb()
		if l.opt.Failed != nil {
			l.opt.Failed(err)
		}
	}()
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

// openEmergency opens the emergency file empty, with its space taken.
func openEmergency(d *disk, dir string) (*os.File, error) {
	path := filepath.Join(dir, emergencyName)
	f, err := d.open(path, os.O_RDWR)
	found := err == nil
	if errors.Is(err, fs.ErrNotExist) {
		f, err = d.open(path, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	}
	if err != nil {
		return nil, fmt.Errorf("emergency file: %w", err)
	}
	b := make([]byte, emergencySize)
	if n, err := f.ReadAt(b, 0); n == emergencySize && err == nil && allZero(b) {
		return f, nil
	}
	clear(b)
	err = d.writeFull(f, b, 0)
	if err == nil && found {
		// Old words must not come back. A new file can wait: it matters only
		// once it says something, and syncing it would slow every first start.
		err = d.sync(f)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("emergency file: %w", err)
	}
	return f, nil
}

// leaveCrumb writes the last words. Nobody depends on them, so their errors
// have nowhere to go.
func (l *Log) leaveCrumb(f *os.File, last Head, cause error) {
	defer close(l.told)
	if f == nil {
		return
	}
	text := cause.Error()
	b, err := json.Marshal(Breadcrumb{Seq: last.Seq, Hash: last.prev(), Time: l.opt.Now().UTC(), Error: text[:min(len(text), 1024)]})
	if err != nil || len(b) > emergencySize {
		return
	}
	b = append(b, make([]byte, emergencySize-len(b))...)
	if l.opt.disk.writeFull(f, b, 0) == nil {
		_ = l.opt.disk.sync(f)
	}
	_ = f.Close()
}

// awaitCrumb waits for the breadcrumb, but not for a disk that hangs.
func (l *Log) awaitCrumb() {
	t := time.NewTimer(min(crumbWait, l.opt.WriteDeadline))
	defer t.Stop()
	select {
	case <-l.told:
	case <-t.C:
	}
}

// ReadBreadcrumb returns what a failed log left in dir (log/NN), and nil where
// it left nothing.
func ReadBreadcrumb(dir string) (*Breadcrumb, error) {
	f, err := openRead(filepath.Join(dir, emergencyName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, emergencySize))
	if err != nil {
		return nil, err
	}
	n := len(b)
	for n > 0 && b[n-1] == 0 {
		n--
	}
	if n == 0 {
		return nil, nil
	}
	var c Breadcrumb
	if err := json.Unmarshal(b[:n], &c); err != nil {
		return nil, fmt.Errorf("emergency file: %w", err)
	}
	return &c, nil
}
