package audit

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func kinds(list []Record) string {
	var names []string
	for i := range list {
		names = append(names, string(list[i].Kind))
	}
	return strings.Join(names, " ")
}

// A process that failed, or was killed, is gone, and nobody takes its slot
// again: sealing says what it left.
func TestSeal(t *testing.T) {
	for _, c := range []struct {
		name, found string
		leave       func(t *testing.T, dir string, opt Options)
	}{
		{"in order", "", func(t *testing.T, dir string, opt Options) {
			t.Helper()
			l := mustOpen(t, dir, opt)
			mustWait(t, l.Append(Record{Kind: KindStart}))
			mustClose(t, l)
		}},
		{"failed", "gap outcome_unknown", func(t *testing.T, dir string, opt Options) {
			t.Helper()
			f := &failing{what: func(path string) bool { return filepath.Ext(path) == segmentSuffix }}
			failed(t, dir, opt, f)
		}},
		{"calls in flight", "outcome_unknown outcome_unknown", func(t *testing.T, dir string, opt Options) {
			t.Helper()
			l := mustOpen(t, dir, opt)
			mustWait(t, l.Append(admission(1)))
			mustWait(t, l.Append(admission(2)))
			mustClose(t, l)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			logDir, dir := slot(t)
			opt := signing(t)
			c.leave(t, dir, opt)
			done, err := Seal(dir, opt, "the machine is retired")
			if err != nil || done.Already || kinds(done.Found) != c.found {
				t.Fatalf("sealed: %v, %+v, found %q, want %q", err, done, kinds(done.Found), c.found)
			}
			rep, err := Verify(logDir, VerifyOptions{})
			if err != nil || rep.Tampered() || !rep.Slots[0].Sealed || rep.NotCheckpointed() != 0 || rep.Slots[0].Failed != nil {
				t.Fatalf("verify: %v, %+v", err, rep)
			}
			again, err := Seal(dir, opt, "once more")
			if err != nil || !again.Already || again.Head != done.Head {
				t.Fatalf("sealed twice: %v, %+v", err, again)
			}
			l := mustOpen(t, dir, opt)
			mustWait(t, l.Append(admission(3)))
			mustClose(t, l)
			if rep := unharmed(t, logDir, "continued", 0); rep.Slots[0].Sealed {
				t.Error("a chain that goes on is called sealed")
			}
			last, err := Last(logDir, func(r *Record) bool { return r.Kind == KindSegment })
			if err != nil || last.Seq != done.Head.Seq+1 {
				t.Errorf("behind the seal of record %d comes %+v, %v; want a new segment", done.Head.Seq, last, err)
			}
		})
	}
}

func TestSealRefuses(t *testing.T) {
	_, dir := slot(t)
	opt := signing(t)
	if _, err := Seal(dir, opt, ""); !errors.Is(err, ErrNotFound) {
		t.Errorf("a chain without records: %v", err)
	}
	l := mustOpen(t, dir, opt)
	for i := range 20 {
		mustWait(t, l.Append(admission(i)))
	}
	mustClose(t, l)
	segs, err := listSegments(dir)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, segs[len(segs)-1].name)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	broken := append([]byte(nil), before...)
	broken[len(broken)/2] ^= 1
	if err := os.WriteFile(path, broken, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Seal(dir, opt, ""); !errors.Is(err, ErrTampered) {
		t.Errorf("a chain that was changed: %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(broken) {
		t.Errorf("what was changed is not left as it was: %v", err)
	}
}
