package audit

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// TestVerifyBesideWriters: a log that is being written and signed, and whose
// segments are being changed, is never taken for tampered, and readers never miss a record.
func TestVerifyBesideWriters(t *testing.T) {
	logDir, dir := slot(t)
	lock, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	opt := signing(t)
	opt.SegmentSize = 64 << 10
	l := mustOpen(t, dir, opt)
	var writing atomic.Int32
	for w := range 8 {
		writing.Add(1)
		go func() {
			defer writing.Add(-1)
			for range 400 {
				tk := l.Append(admission(w))
				if tk.Wait() == nil {
					l.Append(outcome(tk.Seq()))
				}
			}
		}()
	}
	for round := 0; writing.Load() > 0 || round == 0; round++ {
		besideWriters(t, logDir, opt.Instance)
	}
	mustClose(t, l)
}

// besideWriters verifies and reads a log once.
func besideWriters(t *testing.T, logDir, instance string) {
	t.Helper()
	rep, err := Verify(logDir, VerifyOptions{Instance: instance})
	if err != nil || rep.Tampered() || !rep.Slots[0].Live || rep.Slots[0].TornTail != 0 {
		t.Fatalf("verify: %v, %+v", err, rep.Slots)
	}
	end, err := End(logDir)
	if err != nil {
		t.Fatal(err)
	}
	var last uint64
	for r, err := range Read(logDir, ReadOptions{From: Position{0: end[0] / 2}}) {
		if err != nil || last != 0 && r.Seq != last+1 {
			t.Fatalf("read record %d after %d: %v", r.Seq, last, err)
		}
		last = r.Seq
	}
	if last < end[0] {
		t.Fatalf("read up to %d, the log had %d before", last, end[0])
	}
}

func TestReport(t *testing.T) {
	logDir, dir := slot(t)
	l := mustOpen(t, dir, options(t))
	a := l.Append(admission(1))
	b := l.Append(admission(2))
	mustWait(t, l.Append(outcome(a.Seq())))
	denied := admission(3)
	denied.Decision = 3
	mustWait(t, l.Append(denied))
	notification := admission(4)
	notification.OneWay = true // never answered, so that no outcome is missing
	mustWait(t, l.Append(notification))
	mustClose(t, l)
	want := SlotReport{Records: 6, Segments: 1, Head: l.Head().prev(), NotCheckpointed: 6, TailUnproven: 6, OutcomeUnknown: []uint64{b.Seq()}}
	rep, err := Verify(logDir, VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(Report{Scope: "locally consistent", Instance: "i_TEST", Slots: []SlotReport{want}}, rep); d != "" {
		t.Fatalf("(-want +got)\n%s", d)
	}
	// The next process says explicitly that nobody knows.
	mustClose(t, mustOpen(t, dir, options(t)))
	r, err := Find(logDir, FormatID(0, 7))
	if err != nil || r.Kind != KindOutcomeUnknown || r.Admission != b.Seq() {
		t.Fatalf("record 7: %+v, %v", r, err)
	}
	rep, err = Verify(logDir, VerifyOptions{})
	if d := cmp.Diff([]uint64{b.Seq()}, rep.Slots[0].OutcomeUnknown); err != nil || d != "" {
		t.Fatalf("%v (-want +got)\n%s", err, d)
	}
}

// TestUnknownAcrossSegments: an admission whose segment was closed long before
// the crash still gets its outcome_unknown.
func TestUnknownAcrossSegments(t *testing.T) {
	logDir, dir := slot(t)
	l := mustOpen(t, dir, small(t))
	lost := l.Append(admission(0))
	fill(t, l, 40)
	mustClose(t, l)
	mustClose(t, mustOpen(t, dir, small(t)))
	r, err := Last(logDir, func(r *Record) bool { return r.Kind == KindOutcomeUnknown })
	if err != nil || r.Admission != lost.Seq() {
		t.Fatalf("outcome_unknown for %d, %v; want %d", r.Admission, err, lost.Seq())
	}
}

func TestOpenAndVerifyCompareInstances(t *testing.T) {
	logDir, dir := slot(t)
	mustClose(t, mustOpen(t, dir, options(t)))
	if _, err := Open(dir, Options{Instance: "i_OTHER"}); !errors.Is(err, ErrTampered) {
		t.Fatalf("open under another instance: %v", err)
	}
	if rep, err := Verify(logDir, VerifyOptions{Instance: "i_OTHER"}); err != nil || !rep.Tampered() {
		t.Fatalf("verify against another instance: %v, %+v", err, rep)
	}
	other := filepath.Join(logDir, SlotName(1))
	if err := os.Mkdir(other, 0o700); err != nil {
		t.Fatal(err)
	}
	mustClose(t, mustOpen(t, other, Options{Slot: 1, Instance: "i_OTHER"}))
	rep, err := Verify(logDir, VerifyOptions{})
	if err != nil || rep.FirstBad() == nil || rep.FirstBad().Slot != 1 {
		t.Fatalf("two instances in one log: %v, %+v", err, rep)
	}
}

func TestCannotVerify(t *testing.T) {
	logDir, dir := slot(t)
	if _, err := Verify(filepath.Join(logDir, "absent"), VerifyOptions{}); !errors.Is(err, ErrCannotVerify) || !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("no log: %v", err)
	}
	newer := sealFileHeader(FormatVersion + 1)
	if err := os.WriteFile(filepath.Join(dir, segmentName(1)), newer, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(logDir, VerifyOptions{}); !errors.Is(err, ErrCannotVerify) {
		t.Fatalf("a newer format: %v", err)
	}
	if _, err := Open(dir, options(t)); err == nil || errors.Is(err, ErrTampered) {
		t.Fatalf("opened a newer format: %v", err)
	}
}

func TestLockIsExclusiveAndVisible(t *testing.T) {
	_, dir := slot(t)
	if Live(dir) {
		t.Fatal("live before anybody took it")
	}
	f, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(dir); !errors.Is(err, ErrLocked) {
		t.Fatalf("locked twice: %v", err)
	}
	for range 2 { // asking must not take the lock
		if !Live(dir) {
			t.Fatal("not live while it is held")
		}
	}
	f.Close()
	if Live(dir) {
		t.Fatal("live after it was given back")
	}
}

// BenchmarkVerify measures a chain alone, and one whose records a checkpoint
// counts: those are hashed twice.
func BenchmarkVerify(b *testing.B) {
	b.Run("chain", func(b *testing.B) { benchVerify(b, options(b)) })
	b.Run("checkpoint", func(b *testing.B) { benchVerify(b, signing(b)) })
}

func benchVerify(b *testing.B, opt Options) {
	b.Helper()
	const records = 100_000
	logDir, dir := slot(b)
	l := mustOpen(b, dir, opt)
	var last Ticket
	for i := range records / 2 {
		last = l.Append(admission(i))
		last = l.Append(outcome(last.Seq()))
		if i%512 == 0 {
			mustWait(b, last)
		}
	}
	mustWait(b, last)
	mustClose(b, l)
	before := cpuTime(b)
	for b.Loop() {
		rep, err := Verify(logDir, VerifyOptions{Workers: 1})
		if err != nil || rep.Tampered() || rep.Records() < records {
			b.Fatal(err, rep)
		}
	}
	b.ReportMetric(float64(records)*float64(b.N)/(cpuTime(b)-before).Seconds(), "records/cpu-s")
}

// cpuTime returns the processor time of this process, which other load on the
// machine does not stretch.
func cpuTime(t testing.TB) time.Duration {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
