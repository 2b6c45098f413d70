package audit

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestCommitLeads: who commits goes to the disk itself; who waits leaves that
// to the log.
func TestCommitLeads(t *testing.T) {
	_, dir := slot(t)
	opt := options(t)
	d := osDisk()
	var stack atomic.Pointer[string]
	sync := d.sync
	d.sync = func(f *os.File) error {
		b := make([]byte, 16<<10)
		text := string(b[:runtime.Stack(b, false)])
		// Zeros written ahead are made durable behind the commits.
		if !strings.Contains(text, ".extend(") {
			stack.Store(&text)
		}
		return sync(f)
	}
	opt.disk = &d
	l := mustOpen(t, dir, opt)
	defer mustClose(t, l)
	for range 20 {
		if err := l.Append(admission(1)).Commit(); err != nil {
			t.Fatal(err)
		}
		if s := *stack.Load(); !strings.Contains(s, "Ticket.Commit") {
			t.Fatalf("a commit was made by another goroutine:\n%s", s)
		}
		mustWait(t, l.Append(admission(1)))
		if s := *stack.Load(); strings.Contains(s, "Ticket.Commit") {
			t.Fatalf("a wait went to the disk:\n%s", s)
		}
	}
}

// TestCommitTogether: many goroutines commit, wait and do neither; every record
// is durable in order, and Close leaves nothing behind.
func TestCommitTogether(t *testing.T) {
	logDir, dir := slot(t)
	l := mustOpen(t, dir, options(t))
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			for i := range 200 {
				tk := l.Append(admission(i))
				var err error
				switch (w + i) % 3 {
				case 0:
					err = tk.Commit()
				case 1:
					err = tk.Wait()
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	mustClose(t, l)
	rep, err := Verify(logDir, VerifyOptions{})
	if err != nil || rep.Tampered() {
		t.Fatalf("verify: %v, bad %+v", err, rep.FirstBad())
	}
	got := 0
	for _, r := range collect(t, logDir, ReadOptions{}) {
		if r.Kind == KindAdmission {
			got++
		}
	}
	if got != 16*200 {
		t.Fatalf("%d admissions, want %d", got, 16*200)
	}
}

// TestCommitHangs: a goroutine that is at a disk that hangs stays there, and
// nobody else does. When it comes back it is told that the log failed.
func TestCommitHangs(t *testing.T) {
	_, dir := slot(t)
	opt := options(t)
	opt.WriteDeadline = 80 * time.Millisecond
	d := osDisk()
	var hang atomic.Bool
	free, there := make(chan struct{}), make(chan struct{})
	sync := d.sync
	d.sync = func(f *os.File) error {
		if hang.CompareAndSwap(true, false) {
			close(there)
			<-free
		}
		return sync(f)
	}
	opt.disk = &d
	l := mustOpen(t, dir, opt)
	hang.Store(true)
	back := make(chan error, 1)
	go func() { back <- l.Append(admission(1)).Commit() }()
	<-there
	for _, tk := range []Ticket{l.Append(admission(2)), l.Append(admission(3))} {
		if err := tk.Wait(); !errors.Is(err, ErrFailed) {
			t.Fatalf("a record behind a disk that hangs: %v", err)
		}
	}
	<-l.Done()
	if err := l.Close(); !errors.Is(err, ErrFailed) {
		t.Fatalf("close: %v", err)
	}
	select {
	case err := <-back:
		t.Fatalf("a commit came back from a disk that hangs: %v", err)
	default:
	}
	close(free)
	if err := <-back; !errors.Is(err, ErrFailed) {
		t.Fatalf("a commit that came back late: %v", err)
	}
}
