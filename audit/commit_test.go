package audit

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// TestCommitLeads: who commits goes to the disk itself; who waits leaves that
// to the log. On the clock of a bubble the records never wait long enough for
// the log to come by itself, however slow the machine is.
func TestCommitLeads(t *testing.T) { synctest.Test(t, commitLeads) }

func commitLeads(t *testing.T) {
	_, dir := slot(t)
	opt := options(t)
	d := osDisk()
	var stack atomic.Pointer[string]
	sync := d.sync
	d.sync = func(f *os.File) error {
		if text := caller(); !extends(text) {
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

// caller returns the stack of the calling goroutine.
func caller() string {
	b := make([]byte, 16<<10)
	return string(b[:runtime.Stack(b, false)])
}

// extends reports whether a stack is that of the extension, which makes zeros
// that are written ahead durable beside the commits.
func extends(stack string) bool { return strings.Contains(stack, ".extend(") }

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
// nobody else does. When it comes back it is told that the log failed. The
// deadline passes on the clock of a bubble, where a slow disk takes no time.
func TestCommitHangs(t *testing.T) { synctest.Test(t, commitHangs) }

func commitHangs(t *testing.T) {
	_, dir := slot(t)
	opt := options(t)
	d := osDisk()
	var hang atomic.Bool
	free, there := make(chan struct{}), make(chan struct{})
	sync := d.sync
	d.sync = func(f *os.File) error {
		if !extends(caller()) && hang.CompareAndSwap(true, false) {
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
