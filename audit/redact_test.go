package audit

import "testing"

// TestRecordsAreRedactedBeforeTheyAreStored: also those that the log writes of
// itself, and the caller's own copy is left alone.
func TestRecordsAreRedactedBeforeTheyAreStored(t *testing.T) {
	logDir, dir := slot(t)
	opt := options(t)
	opt.Redact = func(r *Record) {
		if r.Tool != "" {
			r.Tool = "hidden"
		}
	}
	l := mustOpen(t, dir, opt)
	rec := admission(1)
	if err := l.Append(rec).Wait(); err != nil {
		t.Fatal(err)
	}
	lazy := admission(2)
	l.Append(lazy)
	mustClose(t, l)
	n := 0
	for r, err := range Read(logDir, ReadOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Kind == KindAdmission {
			n++
			if r.Tool != "hidden" {
				t.Errorf("stored tool %q", r.Tool)
			}
		}
	}
	if n != 2 || rec.Tool == "hidden" {
		t.Errorf("%d admissions, the caller's record says %q", n, rec.Tool)
	}
}
