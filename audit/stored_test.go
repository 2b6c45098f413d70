package audit

import (
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// stored collects what ReadStored yields, with lines of their own.
func stored(t testing.TB, logDir string, after uint64, from Place) []Stored {
	t.Helper()
	var list []Stored
	for s, err := range ReadStored(logDir, 0, after, from) {
		if err != nil {
			t.Fatal(err)
		}
		s.Line = append([]byte{}, s.Line...)
		list = append(list, s)
	}
	return list
}

func TestStoredRecordsAreWhatIsHashed(t *testing.T) {
	logDir, dir := slot(t)
	l := mustOpen(t, dir, small(t))
	last := fill(t, l, 40)
	mustClose(t, l)
	all := stored(t, logDir, 0, Place{})
	if len(all) == 0 || all[len(all)-1].Seq != last {
		t.Fatalf("%d records, the last one is not %d", len(all), last)
	}
	for i, s := range all[:len(all)-1] {
		next, err := Decode(all[i+1].Line)
		if err != nil {
			t.Fatal(err)
		}
		if want := (Head{Seq: s.Seq, Hash: sha256.Sum256(s.Line)}).prev(); next.Prev != want {
			t.Fatalf("record %d: the next one carries another hash", s.Seq)
		}
	}
}

// A place is a hint: a right one is quick, a wrong one changes nothing.
func TestPlacesAreHints(t *testing.T) {
	logDir, dir := slot(t)
	l := mustOpen(t, dir, small(t))
	fill(t, l, 40)
	mustClose(t, l)
	all := stored(t, logDir, 0, Place{})
	end := all[len(all)-1]
	for i, s := range all {
		want, err := Decode(s.Line)
		if err != nil {
			t.Fatal(err)
		}
		for name, hint := range map[string]Place{
			"none": {}, "its own": s.Place, "an earlier one": all[i/2].Place, "the end": end.Place,
			"between frames": {s.Place.Segment, s.Place.Offset + 8}, "crooked": {s.Place.Segment, s.Place.Offset + 3},
			"before the file": {s.Place.Segment, -8}, "behind it": {s.Place.Segment, 1 << 40}, "no such segment": {99999, 16},
		} {
			got, err := FindStored(logDir, 0, s.Seq, hint)
			if err != nil {
				t.Fatalf("record %d, hint %s: %v", s.Seq, name, err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("record %d, hint %s: (-want +got)\n%s", s.Seq, name, d)
			}
		}
		if d := cmp.Diff(all[i+1:], stored(t, logDir, s.Seq, s.Place)); i+1 < len(all) && d != "" {
			t.Fatalf("after record %d: (-want +got)\n%s", s.Seq, d)
		}
	}
	if _, err := FindStored(logDir, 0, end.Seq+1, end.Place); !errors.Is(err, ErrNotFound) {
		t.Errorf("behind the end: %v", err)
	}
	if _, err := FindStored(logDir, 7, 1, Place{}); !errors.Is(err, ErrNotFound) {
		t.Errorf("no such slot: %v", err)
	}
}

func TestSlotsAndTheOldestRecord(t *testing.T) {
	logDir, dir := slot(t)
	l := mustOpen(t, dir, small(t))
	fill(t, l, 2)
	mustClose(t, l)
	slots, err := Slots(logDir)
	if err != nil || len(slots) != 1 || slots[0] != 0 {
		t.Fatalf("slots %v, %v", slots, err)
	}
	if first, err := FirstSeq(logDir, 0); err != nil || first != 1 {
		t.Fatalf("first %d, %v", first, err)
	}
}
