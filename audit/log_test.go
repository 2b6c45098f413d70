package audit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/custos-zt/custos/access"
)

// admission returns a record of the usual size.
func admission(i int) Record {
	return Record{
		Kind: KindAdmission, RPCID: fmt.Sprint(i), Method: "tools/call", Backend: "files", Tool: "write_file",
		Decision: access.Allow, Reason: access.RuleAllowed, Rule: "files", Position: "laptop.yaml:41", Layer: "global",
		Matched:      []access.Match{{Rule: "files", Effect: access.Allow, Truth: access.True, Position: "laptop.yaml:41"}},
		PolicyDigest: "sha256:5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5",
		Subject:      "os:dev", Client: "claude-code", Session: "s_1", Isolation: "same-user",
		Args: &Args{Names: []string{"content", "path"}, Types: []string{"string", "string"}, Lengths: []int{400, 12}, Count: 2, Bytes: 412},
	}
}

func outcome(admission uint64) Record {
	return Record{Kind: KindOutcome, Admission: admission, Status: StatusOK, Bytes: 120, DurationUS: 842}
}

func options(t testing.TB) Options {
	t.Helper()
	return Options{Instance: "i_TEST"}
}

// slot makes an empty slot directory and returns the log directory and it.
func slot(t testing.TB) (logDir, dir string) {
	t.Helper()
	logDir = t.TempDir()
	dir = filepath.Join(logDir, SlotName(0))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return logDir, dir
}

func mustOpen(t testing.TB, dir string, opt Options) *Log {
	t.Helper()
	l, err := Open(dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func mustClose(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func mustWait(t testing.TB, tk Ticket) {
	t.Helper()
	if err := tk.Wait(); err != nil {
		t.Fatal(err)
	}
}

func TestAppendReopen(t *testing.T) {
	_, dir := slot(t)
	for round := range 3 {
		l := mustOpen(t, dir, options(t))
		for i := range 10 {
			a := l.Append(admission(i))
			mustWait(t, a)
			mustWait(t, l.Append(outcome(a.Seq())))
		}
		if got, want := l.Head().Seq, uint64(1+20*(round+1)); got != want {
			t.Fatalf("round %d: head at %d, want %d", round, got, want)
		}
		mustClose(t, l)
	}
}

func TestCloseRefuses(t *testing.T) {
	_, dir := slot(t)
	l := mustOpen(t, dir, options(t))
	mustClose(t, l)
	if err := l.Append(admission(1)).Wait(); !errors.Is(err, ErrClosed) {
		t.Fatalf("append after close: %v", err)
	}
}

// TestDurableUnasked: a record that nobody waits for is durable soon, and not
// at once: it waits for company. On the clock of a bubble the disk takes no time.
func TestDurableUnasked(t *testing.T) { synctest.Test(t, durableUnasked) }

func durableUnasked(t *testing.T) {
	_, dir := slot(t)
	l := mustOpen(t, dir, options(t))
	defer mustClose(t, l)
	began := time.Now()
	tk := l.Append(outcome(1))
	for !tk.Settled() && time.Since(began) < time.Minute {
		time.Sleep(time.Millisecond)
	}
	if d := time.Since(began); d < lazyDelay || d > lazyDelay+5*time.Millisecond {
		t.Fatalf("the record took %v, want %v", d, lazyDelay)
	}
	mustWait(t, tk)
}

func TestZeroTicketFails(t *testing.T) {
	var tk Ticket
	for _, err := range []error{tk.Wait(), tk.Commit()} {
		if !errors.Is(err, ErrFailed) || !tk.Settled() {
			t.Fatalf("the zero ticket: %v", err)
		}
	}
}

// TestRotation: a segment ends by age or size, is cut to its length, and the
// next one names it.
func TestRotation(t *testing.T) {
	for _, by := range []string{"size", "age"} {
		t.Run(by, func(t *testing.T) {
			logDir, dir := slot(t)
			opt := options(t)
			var clock atomic.Int64
			opt.Now = func() time.Time { return time.Unix(clock.Load(), 0) }
			opt.SegmentAge = time.Minute
			if by == "size" {
				opt.SegmentSize = 2 << 10
			}
			l := mustOpen(t, dir, opt)
			for i := range 20 {
				mustWait(t, l.Append(admission(i)))
				if by == "age" {
					clock.Add(20)
				}
			}
			mustClose(t, l)
			segs, err := listSegments(dir)
			if err != nil || len(segs) < 5 || len(segs) > 15 {
				t.Fatalf("%d segments, %v", len(segs), err)
			}
			for i, sf := range segs {
				st, err := os.Stat(filepath.Join(dir, sf.name))
				if err != nil {
					t.Fatal(err)
				}
				ends := frameEnds(t, filepath.Join(dir, sf.name))
				if st.Size() != align(ends[len(ends)-1]) || st.Mode().Perm() != 0o600 {
					t.Errorf("%s: %d bytes, mode %o; its frames end at %d", sf.name, st.Size(), st.Mode().Perm(), ends[len(ends)-1])
				}
				r, err := Find(logDir, FormatID(0, sf.first))
				if err != nil || i > 0 && (r.Kind != KindSegment || r.Previous != segs[i-1].name) {
					t.Errorf("%s begins with %+v, %v", sf.name, r, err)
				}
			}
			rep, err := Verify(logDir, VerifyOptions{})
			if err != nil || rep.Tampered() || rep.Slots[0].Segments != len(segs) {
				t.Fatalf("verify: %v, %+v", err, rep)
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			_, dir := slot(b)
			b.StartTimer()
			l := mustOpen(b, dir, options(b))
			b.StopTimer()
			mustClose(b, l)
			b.StartTimer()
		}
	})
	b.Run("again", func(b *testing.B) {
		_, dir := slot(b)
		for b.Loop() {
			l := mustOpen(b, dir, options(b))
			b.StopTimer()
			mustClose(b, l)
			b.StartTimer()
		}
	})
}
