package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// intrusion changes the files of a chain that a process writes.
type intrusion struct {
	name string
	do   func(t *testing.T, dir string, segs []segmentFile)
	// atWrite says that the next write finds it, not only the next look.
	atWrite bool
}

// rewrite puts changed bytes into a file without replacing it.
func rewrite(t testing.TB, path string, change func(b []byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteAt(change(b), 0)
		err = joinClose(err, f)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// recomputeFrom changes the first record from seq on that names a backend, and
// carries the change through every segment, each written in place.
func recomputeFrom(t testing.TB, dir string, segs []segmentFile, seq uint64) {
	t.Helper()
	var prev string
	for _, sf := range segs {
		f := takeApart(t, filepath.Join(dir, sf.name))
		for frame := range f.frames {
			for i, r := range f.frames[frame] {
				h, _ := peek(r)
				if prev != "" {
					r = bytes.Replace(r, h.prev, []byte(prev), 1)
				} else if h.seq >= seq {
					r = bytes.Replace(r, []byte(`"files"`), []byte(`"filez"`), 1)
				}
				if bytes.Equal(r, f.frames[frame][i]) {
					continue // not reached yet
				}
				f.frames[frame][i] = r
				sum := sha256.Sum256(r)
				prev = hex.EncodeToString(sum[:])
			}
		}
		forged := f.bytes()
		rewrite(t, f.path, func([]byte) []byte { return forged })
	}
}

func intrusions() []intrusion {
	closed := func(dir string, segs []segmentFile) string { return filepath.Join(dir, segs[1].name) }
	active := func(dir string, segs []segmentFile) string { return filepath.Join(dir, segs[len(segs)-1].name) }
	edit := func(b []byte) []byte { return bytes.Replace(b, []byte(`"files"`), []byte(`"filez"`), 1) }
	check := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	replace := func(path string) error {
		b, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path+".tmp", b, 0o600)
		}
		if err == nil {
			err = os.Rename(path+".tmp", path)
		}
		return err
	}
	link := func(path string) error {
		if err := os.Rename(path, path+".moved"); err != nil {
			return err
		}
		return os.Symlink(path+".moved", path)
	}
	return []intrusion{
		{"edit a closed segment", func(t *testing.T, dir string, s []segmentFile) { t.Helper(); rewrite(t, closed(dir, s), edit) }, false},
		{"edit the segment that is written", func(t *testing.T, dir string, s []segmentFile) { t.Helper(); rewrite(t, active(dir, s), edit) }, true},
		{"recompute to the end", func(t *testing.T, dir string, s []segmentFile) { t.Helper(); recomputeFrom(t, dir, s, s[1].first+1) }, true},
		{"recompute the segment that is written", func(t *testing.T, dir string, s []segmentFile) {
			t.Helper()
			recomputeFrom(t, dir, s[len(s)-1:], s[len(s)-1].first+1)
		}, true},
		{"recompute a closed segment", func(t *testing.T, dir string, s []segmentFile) {
			t.Helper()
			recomputeFrom(t, dir, s[1:2], s[1].first+1)
		}, false},
		{"cut a closed segment", func(t *testing.T, dir string, s []segmentFile) {
			t.Helper()
			check(t, os.Truncate(closed(dir, s), 4000))
		}, false},
		{"cut the segment that is written", func(t *testing.T, dir string, s []segmentFile) {
			t.Helper()
			check(t, os.Truncate(active(dir, s), 1000))
		}, true},
		{"remove a closed segment", func(t *testing.T, dir string, s []segmentFile) { t.Helper(); check(t, os.Remove(closed(dir, s))) }, false},
		{"remove the oldest segment", func(t *testing.T, dir string, s []segmentFile) {
			t.Helper()
			check(t, os.Remove(filepath.Join(dir, s[0].name)))
		}, false},
		{"remove the segment that is written", func(t *testing.T, dir string, s []segmentFile) { t.Helper(); check(t, os.Remove(active(dir, s))) }, true},
		{"replace a closed segment by a copy", func(t *testing.T, dir string, s []segmentFile) { t.Helper(); check(t, replace(closed(dir, s))) }, false},
		{"replace the segment that is written by a copy", func(t *testing.T, dir string, s []segmentFile) { t.Helper(); check(t, replace(active(dir, s))) }, true},
		{"put a link for a closed segment", func(t *testing.T, dir string, s []segmentFile) { t.Helper(); check(t, link(closed(dir, s))) }, false},
		{"put a link for the segment that is written", func(t *testing.T, dir string, s []segmentFile) { t.Helper(); check(t, link(active(dir, s))) }, true},
		{"add a segment", func(t *testing.T, dir string, s []segmentFile) {
			t.Helper()
			check(t, appendTo(filepath.Join(dir, "extra.seg"), "x"))
		}, false},
		{"remove the checkpoint", func(t *testing.T, dir string, _ []segmentFile) {
			t.Helper()
			check(t, os.Remove(filepath.Join(dir, checkpointName)))
		}, false},
		{"put an older checkpoint back", func(t *testing.T, dir string, _ []segmentFile) {
			t.Helper()
			c := Checkpoint{Instance: InstanceID(public(testKey(1))), Size: 1}
			signed, err := c.Sign(testKey(1))
			check(t, err)
			rewrite(t, filepath.Join(dir, checkpointName), func([]byte) []byte { return signed })
		}, false},
		{"change the tree", func(t *testing.T, dir string, _ []segmentFile) {
			t.Helper()
			rewrite(t, filepath.Join(dir, treeName), func(b []byte) []byte { clear(b); return b })
		}, false},
		{"replace the tree", func(t *testing.T, dir string, _ []segmentFile) {
			t.Helper()
			check(t, replace(filepath.Join(dir, treeName)))
		}, false},
		{"replace the whole directory", func(t *testing.T, dir string, _ []segmentFile) {
			t.Helper()
			check(t, os.Rename(dir, dir+".moved"))
			check(t, os.CopyFS(dir, os.DirFS(dir+".moved")))
		}, true},
	}
}

// guardedLog opens a log of several segments, the first of them written by an
// earlier process.
func guardedLog(t *testing.T, patrol time.Duration) (l *Log, dir string, segs []segmentFile) {
	t.Helper()
	_, dir = slot(t)
	opt := signing(t)
	opt.SegmentSize, opt.patrol = 8<<10, patrol
	first := mustOpen(t, dir, opt)
	fill(t, first, 20)
	mustClose(t, first)
	l = mustOpen(t, dir, opt)
	fill(t, l, 30)
	l.rests(t)
	for l.keeper.caughtUp() < l.Head().Seq {
		time.Sleep(time.Millisecond)
	}
	segs, err := listSegments(dir)
	if err != nil || len(segs) < 4 {
		t.Fatalf("%d segments, %v", len(segs), err)
	}
	fileClockMoves(t, dir)
	return l, dir, segs
}

// rests waits until no space is prepared behind what was written: while it is,
// the segment changes by itself, and the next write suspects nobody.
func (l *Log) rests(t *testing.T) {
	t.Helper()
	for l.segment.busy {
		for len(l.segment.grown) == 0 {
			time.Sleep(time.Millisecond)
		}
		mustWait(t, l.Append(admission(1)))
	}
}

// fileClockMoves waits until the clock of the file system has passed the last
// change in dir. Of two changes at the same time there the second leaves no
// trace in the times.
func fileClockMoves(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var last int64
	for _, e := range entries {
		id, err := identify(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		last = max(last, id.changed)
	}
	for probe := filepath.Join(t.TempDir(), "probe"); ; {
		if err := os.WriteFile(probe, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if id, err := identify(probe); err != nil || id.changed > last {
			return
		}
	}
}

// caughtUp returns how far the checkpoint beside the chain goes.
func (k *keeper) caughtUp() uint64 {
	_, c, err := Chain{Slot: k.log.opt.Slot, Dir: k.log.dir}.Head()
	if err != nil {
		return 0
	}
	return c.Size
}

// condemned waits for the end of a log and checks what it left.
func condemned(t *testing.T, l *Log) {
	t.Helper()
	select {
	case <-l.Done():
	case <-time.After(2 * time.Hour):
		t.Error("not found")
	}
	if err := l.Err(); !errors.Is(err, ErrFailed) || !errors.Is(err, ErrTampered) {
		t.Errorf("ended with %v", err)
	}
	if err := l.Append(admission(1)).Wait(); !errors.Is(err, ErrFailed) {
		t.Errorf("a record after the finding: %v", err)
	}
	_ = l.Close()
}

// TestMonitorFindsWithinHalfAMinute: whatever is changed while nothing is
// written is found by the next look, and that comes within 30 seconds.
func TestMonitorFindsWithinHalfAMinute(t *testing.T) {
	for _, c := range intrusions() {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, dir, segs := guardedLog(t, 0)
				time.Sleep(5 * time.Minute) // nothing happens, and nothing is found
				if err := l.Err(); err != nil {
					t.Fatalf("a false alarm: %v", err)
				}
				c.do(t, dir, segs)
				began := time.Now()
				condemned(t, l)
				if d := time.Since(began); d > 31*time.Second {
					t.Errorf("found after %v", d)
				}
			})
		})
	}
}

// TestMonitorFindsAtTheNextWrite: what is done to the file that is being
// written is found by the next write, whenever the next look is.
func TestMonitorFindsAtTheNextWrite(t *testing.T) {
	for _, c := range intrusions() {
		if !c.atWrite {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			l, dir, segs := guardedLog(t, time.Hour)
			c.do(t, dir, segs)
			_ = l.Append(admission(2)).Wait() // this one may still be durable
			select {
			case <-l.Done():
			case <-time.After(time.Minute):
				t.Fatal("not found by the next write")
			}
			condemned(t, l)
		})
	}
}

// TestMonitorSaysWhatItFound: the last record, the breadcrumb and the error name
// the finding.
func TestMonitorSaysWhatItFound(t *testing.T) {
	l, dir, segs := guardedLog(t, 10*time.Millisecond)
	rewrite(t, filepath.Join(dir, segs[1].name), func(b []byte) []byte {
		return bytes.Replace(b, []byte(`"files"`), []byte(`"filez"`), 1)
	})
	condemned(t, l)
	r, err := Last(filepath.Dir(dir), func(r *Record) bool { return r.Kind == KindAnomaly })
	if err != nil || !strings.Contains(r.Detail, "evidence: ") || !strings.Contains(r.Detail, segs[1].name) {
		t.Errorf("last record %q, %v", r.Detail, err)
	}
	crumb, err := ReadBreadcrumb(dir)
	if err != nil || crumb == nil || !strings.Contains(crumb.Error, segs[1].name) {
		t.Errorf("breadcrumb %+v, %v", crumb, err)
	}
}

// TestMonitorHashesEverythingAgain: a change beneath the file system, which
// leaves no time, is found by the round.
func TestMonitorHashesEverythingAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, dir, segs := guardedLog(t, 0)
		time.Sleep(5 * time.Minute)
		path := filepath.Join(dir, segs[1].name)
		rewrite(t, path, func(b []byte) []byte { return bytes.Replace(b, []byte(`"files"`), []byte(`"filez"`), 1) })
		id, err := identify(path)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()                              // the keeper sleeps
		l.keeper.monitor.files[segs[1].name].id = id // as if no time had changed
		l.keeper.suspect <- struct{}{}               // it looks, and sees nothing
		began := time.Now()
		condemned(t, l)
		if d := time.Since(began); d < 31*time.Second || d > rollEvery+time.Minute {
			t.Errorf("found after %v", d)
		}
	})
}
