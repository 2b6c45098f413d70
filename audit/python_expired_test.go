package audit

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestIndependentVerifierOnExpiredRecords: what is left of them, and what
// somebody else deleted.
func TestIndependentVerifierOnExpiredRecords(t *testing.T) {
	t.Parallel()
	a := newAged(t)
	a.expire(t)
	tree := filepath.Join(a.dir, treeName)
	whole, err := os.ReadFile(tree)
	if err != nil {
		t.Fatal(err)
	}
	agree(t, "expired", a.logDir, nil)
	agree(t, "expired, earlier head", a.logDir, a.heads)
	for name, changed := range map[string][]byte{
		"a leaf":        append([]byte("x"), whole[1:]...),
		"an inner node": append(append(append([]byte{}, whole[:70]...), 'x'), whole[71:]...),
		"cut":           whole[:100],
	} {
		if err := os.WriteFile(tree, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		agree(t, name, a.logDir, nil)
	}
	if err := os.WriteFile(tree, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	segs, err := listSegments(a.dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(a.dir, segs[0].name)); err != nil {
		t.Fatal(err)
	}
	agree(t, "one segment more", a.logDir, nil)
}

// TestIndependentVerifierOnGaps: a failure, and one that somebody made up.
func TestIndependentVerifierOnGaps(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		key  byte
	}{{"signed", 1}, {"signed by another key", 2}} {
		logDir, dir := slot(t)
		opt := signing(t)
		opt.every = time.Hour
		f := &failing{what: func(path string) bool { return filepath.Ext(path) == segmentSuffix }}
		failed(t, dir, opt, f)
		if err := opt.defaults(); err != nil {
			t.Fatal(err)
		}
		crumb, err := findCrumb(dir, &opt)
		if err != nil || crumb == nil {
			t.Fatalf("breadcrumb %v, %v", crumb, err)
		}
		if err := os.Truncate(filepath.Join(dir, emergencyName), 0); err != nil {
			t.Fatal(err)
		}
		l := mustOpen(t, dir, opt)
		forger := opt
		forger.Key = testKey(c.key)
		head := l.Head()
		l.mu.Lock()
		l.segBegan = time.Time{} // the gap begins a new segment
		l.mu.Unlock()
		mustWait(t, l.Append(gapRecord(crumb, head, &forger)))
		mustClose(t, l)
		agree(t, c.name, logDir, nil)
		if want := map[byte]int{1: 0, 2: 10}[c.key]; verdict(t, logDir, VerifyOptions{}) != want {
			t.Errorf("a gap %s: verify does not say %d", c.name, want)
		}
	}
}
