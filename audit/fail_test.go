package audit

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// script drives a log through everything it does: a first segment, rotation,
// records that are waited for in both ways, an orderly end. It returns the records that were
// acknowledged, and fails the test where the log goes on after a failure.
func script(t *testing.T, dir string, d *faultDisk) (acked map[string]bool, failure error) {
	t.Helper()
	acked = map[string]bool{}
	opt := Options{Instance: "i_TEST", SegmentSize: 4 << 10, disk: d.disk()}
	told := make(chan error, 1)
	opt.Failed = func(err error) { told <- err }
	l, err := Open(dir, opt)
	if err != nil {
		return acked, err
	}
	for i := range 12 {
		tickets := []Ticket{l.Append(outcome(uint64(i))), l.Append(admission(i)), l.Append(admission(i))}
		for n, tk := range tickets {
			wait := tk.Wait
			if n == 1 && d.mode != "hang" {
				wait = tk.Commit
			}
			switch err := wait(); {
			case err == nil && failure != nil:
				t.Errorf("%s: record %s acknowledged after a failure", d.what(), tk.ID())
			case err == nil:
				acked[tk.ID()] = true
			case !errors.Is(err, ErrFailed):
				t.Errorf("%s: %v is not ErrFailed", d.what(), err)
			default:
				failure = err
			}
		}
	}
	if err := l.Close(); failure == nil {
		failure = err
	}
	if failure != nil {
		if err := <-told; !errors.Is(err, ErrFailed) || l.Err() == nil {
			t.Errorf("%s: told %v, Err %v", d.what(), err, l.Err())
		}
		<-l.Done()
	}
	return acked, failure
}

// survives checks that a log, after the power went, holds every acknowledged
// record, is not taken for tampered, and can be continued.
func survives(t *testing.T, what, logDir, dir string, acked map[string]bool) {
	t.Helper()
	for _, when := range []string{"after the power cut", "after recovery"} {
		rep, err := Verify(logDir, VerifyOptions{})
		if err != nil || rep.Tampered() {
			t.Fatalf("%s, %s: verify: %v, bad %+v", what, when, err, rep.FirstBad())
		}
		have := map[string]bool{}
		for _, r := range collect(t, logDir, ReadOptions{}) {
			have[r.ID()] = true
		}
		for id := range acked {
			if !have[id] {
				t.Fatalf("%s, %s: record %s was acknowledged and is lost", what, when, id)
			}
		}
		l, err := Open(dir, Options{Instance: "i_TEST"})
		if err != nil {
			t.Fatalf("%s, %s: open: %v", what, when, err)
		}
		mustWait(t, l.Append(admission(1)))
		mustClose(t, l)
	}
}

func TestEveryOperationFails(t *testing.T) {
	for _, c := range []struct {
		mode   string
		sticky bool
	}{{"error", false}, {"error", true}, {"short", false}, {"hang", true}} {
		t.Run(fmt.Sprintf("%s sticky %v", c.mode, c.sticky), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(uint64(len(c.mode)), 2))
			reached := 0
			for more := true; more; reached++ {
				// In a bubble a hanging disk takes no time, and a slow one does
				// not run into the write deadline.
				synctest.Test(t, func(t *testing.T) {
					more = failsAt(t, newFaultDisk(reached+1, c.mode, c.sticky), rng)
				})
			}
			if reached < 40 {
				t.Fatalf("the script reached %d operations, expected more", reached)
			}
			t.Logf("%d operations failed one by one", reached)
		})
	}
}

// failsAt runs the script on a disk that fails once, and checks what is left
// after the power went. It reports false where the script ends before that.
func failsAt(t *testing.T, d *faultDisk, rng *rand.Rand) bool {
	t.Helper()
	_, dir := slot(t)
	acked, failure := script(t, dir, d)
	close(d.free)
	if !d.hit() {
		if failure != nil {
			t.Fatal(failure)
		}
		return false
	}
	if failure == nil && !harmless(d) {
		t.Fatalf("%s: nobody noticed", d.what())
	}
	logDir, cut := d.powerCut(t, rng)
	survives(t, d.what(), logDir, cut, acked)
	return true
}

// harmless reports whether the failed operation may go unnoticed: a hang in
// the background extension that nobody waited for.
func harmless(d *faultDisk) bool { return d.mode == "hang" }

func TestBreadcrumb(t *testing.T) {
	_, dir := slot(t)
	d := newFaultDisk(0, "error", false)
	l := mustOpen(t, dir, Options{Instance: "i_TEST", disk: d.disk()})
	mustWait(t, l.Append(admission(1)))
	good := l.Head()
	d.mu.Lock()
	d.failAt = d.ops + 1
	d.mu.Unlock()
	// The operation that fails may be the background extension's; the record
	// after it meets its error.
	var err error
	for range 3 {
		if err = l.Append(admission(2)).Wait(); err != nil {
			break
		}
		good = l.Head()
	}
	if !errors.Is(err, ErrFailed) {
		t.Fatalf("append on a failing disk: %v", err)
	}
	if err := l.Close(); !errors.Is(err, ErrFailed) {
		t.Fatalf("close: %v", err)
	}
	c, err := ReadBreadcrumb(dir)
	if err != nil || c == nil || c.Seq != good.Seq || c.Hash != good.prev() || c.Error == "" {
		t.Fatalf("breadcrumb %+v, %v; want record %d", c, err, good.Seq)
	}
	l = mustOpen(t, dir, options(t))
	mustClose(t, l)
	segs, err := listSegments(dir)
	if err != nil || len(segs) != 2 {
		t.Fatalf("a chain that failed goes on in %d segments, %v; want a new one", len(segs), err)
	}
	gap, err := Last(filepath.Dir(dir), func(r *Record) bool { return r.Kind == KindGap })
	if err != nil || gap.Detail == "" {
		t.Fatalf("gap record: %+v, %v", gap, err)
	}
	if c, err := ReadBreadcrumb(dir); c != nil || err != nil {
		t.Fatalf("breadcrumb after recovery: %+v, %v", c, err)
	}
}

// TestUnacknowledgedGroupIsCut: after a failed fdatasync the group stands in
// the file, as the cache shows it, and may never reach the disk.
func TestUnacknowledgedGroupIsCut(t *testing.T) {
	logDir, dir := slot(t)
	d := osDisk()
	var fail atomic.Bool
	d.sync = func(f *os.File) error {
		if fail.Load() && filepath.Ext(f.Name()) == segmentSuffix {
			return errors.New("injected")
		}
		return fdatasync(f)
	}
	l := mustOpen(t, dir, Options{Instance: "i_TEST", disk: &d})
	mustWait(t, l.Append(admission(1)))
	last := l.Head().Seq
	fail.Store(true)
	if err := l.Append(admission(2)).Wait(); err == nil {
		t.Fatal("acknowledged without a sync")
	}
	_ = l.Close()
	mustClose(t, mustOpen(t, dir, options(t)))
	r, err := Find(logDir, FormatID(0, last+1))
	if err != nil || r.Kind == KindAdmission {
		t.Fatalf("after recovery record %d is %s, %v: the admission was never acknowledged", last+1, r.Kind, err)
	}
	rep, err := Verify(logDir, VerifyOptions{})
	if err != nil || rep.Tampered() {
		t.Fatalf("verify: %v, %+v", err, rep.FirstBad())
	}
}

func TestTooLarge(t *testing.T) {
	_, dir := slot(t)
	l := mustOpen(t, dir, options(t))
	big := admission(1)
	for len(big.Labels) < 400_000 {
		big.Labels = append(big.Labels, "label")
	}
	for _, appendTo := range []func(Record) Ticket{l.Append, l.Append} {
		if err := appendTo(big).Wait(); !errors.Is(err, ErrTooLarge) || errors.Is(err, ErrFailed) {
			t.Fatalf("a record over the cap: %v", err)
		}
	}
	mustWait(t, l.Append(admission(2)))
	mustClose(t, l)
}
