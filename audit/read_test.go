package audit

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
)

// small makes segments of a few records.
func small(t testing.TB) Options {
	t.Helper()
	o := options(t)
	o.SegmentSize = 4 << 10
	return o
}

// fill appends n calls, each an admission and its outcome.
func fill(t testing.TB, l *Log, n int) (last uint64) {
	t.Helper()
	for i := range n {
		a := l.Append(admission(i))
		mustWait(t, a)
		o := l.Append(outcome(a.Seq()))
		mustWait(t, o)
		last = o.Seq()
	}
	return last
}

func collect(t testing.TB, logDir string, opt ReadOptions) []Record {
	t.Helper()
	var list []Record
	for r, err := range Read(logDir, opt) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, r)
	}
	return list
}

func TestReadReturnsWhatWasWritten(t *testing.T) {
	logDir, dir := slot(t)
	l := mustOpen(t, dir, small(t))
	last := fill(t, l, 40)
	for _, live := range []bool{true, false} {
		got := collect(t, logDir, ReadOptions{})
		if len(got) < 80 || got[len(got)-1].Seq != last {
			t.Fatalf("live %v: read %d records up to %d, want up to %d", live, len(got), got[len(got)-1].Seq, last)
		}
		for i, r := range got {
			if r.Seq != uint64(i+1) {
				t.Fatalf("record %d at place %d", r.Seq, i+1)
			}
		}
		if live {
			mustClose(t, l)
		}
	}
	calls := collect(t, logDir, ReadOptions{Keep: func(r *Record) bool { return r.Kind == KindAdmission }})
	want := admission(39)
	got := calls[39]
	want.Version, want.Slot, want.Seq, want.Prev, want.Time = RecordVersion, 0, got.Seq, got.Prev, got.Time
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("(-written +read)\n%s", d)
	}
}

func TestFindLastEnd(t *testing.T) {
	logDir, dir := slot(t)
	l := mustOpen(t, dir, small(t))
	last := fill(t, l, 40)
	defer mustClose(t, l)
	for seq := uint64(1); seq <= last; seq++ {
		r, err := Find(logDir, FormatID(0, seq))
		if err != nil || r.Seq != seq {
			t.Fatalf("find %d: %d, %v", seq, r.Seq, err)
		}
	}
	for _, id := range []string{FormatID(0, last+1), FormatID(3, 1)} {
		if _, err := Find(logDir, id); !errors.Is(err, ErrNotFound) {
			t.Fatalf("find %s: %v", id, err)
		}
	}
	end, err := End(logDir)
	if err != nil || end[0] != last {
		t.Fatalf("end: %v, %v; want %d", end, err, last)
	}
	r, err := Last(logDir, func(r *Record) bool { return r.Kind == KindGenesis })
	if err != nil || r.Seq != 1 {
		t.Fatalf("last genesis: %d, %v", r.Seq, err)
	}
	r, err = Last(logDir, func(r *Record) bool { return r.Decision == access.Allow })
	if err != nil || r.Seq != last-1 {
		t.Fatalf("last allow: %d, %v; want %d", r.Seq, err, last-1)
	}
	if _, err = Last(logDir, func(*Record) bool { return false }); !errors.Is(err, ErrNotFound) {
		t.Fatalf("last of none: %v", err)
	}
}

func TestReadMergesSlotsByTime(t *testing.T) {
	logDir, dir := slot(t)
	other := filepath.Join(logDir, SlotName(1))
	if err := os.Mkdir(other, 0o700); err != nil {
		t.Fatal(err)
	}
	a := mustOpen(t, dir, small(t))
	second := small(t)
	second.Slot = 1
	b := mustOpen(t, other, second)
	for range 10 {
		fill(t, a, 1)
		fill(t, b, 1)
	}
	mustClose(t, a)
	mustClose(t, b)
	var before time.Time
	turns, slot := 0, -1
	for _, r := range collect(t, logDir, ReadOptions{}) {
		if r.Time.Before(before) {
			t.Fatalf("record %s at %v comes after %v", r.ID(), r.Time, before)
		}
		if r.Slot != slot {
			turns++
		}
		before, slot = r.Time, r.Slot
	}
	if turns < 20 {
		t.Fatalf("the slots took %d turns, want 20 at least", turns)
	}
}

func TestFollowSeesNewSegmentsAndSlots(t *testing.T) {
	logDir, dir := slot(t)
	l := mustOpen(t, dir, small(t))
	first := fill(t, l, 5)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	go func() {
		// Errors show as records that never arrive.
		for i := range 50 {
			_ = l.Append(admission(i)).Wait()
		}
		other := filepath.Join(logDir, SlotName(1))
		_ = os.Mkdir(other, 0o700)
		opt := options(t)
		opt.Slot = 1
		if b, err := Open(other, opt); err == nil {
			_ = b.Append(admission(1)).Wait()
			_ = b.Close()
		}
	}()
	seen := Position{0: first}
	want := Position{0: first + 50, 1: 2}
	for r, err := range Follow(ctx, logDir, ReadOptions{From: Position{0: first}, Poll: time.Millisecond}) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Seq != seen[r.Slot]+1 {
			t.Fatalf("slot %d: record %d after %d", r.Slot, r.Seq, seen[r.Slot])
		}
		seen[r.Slot] = r.Seq
		if seen[0] > want[0] && seen[1] == want[1] {
			break
		}
	}
	if seen[0] < want[0] || seen[1] != want[1] {
		t.Fatalf("saw up to %v, want %v at least", seen, want)
	}
	mustClose(t, l)
}

// A segment whose header is gone is a crash's work only at the very end.
func TestReadFindsABrokenHeader(t *testing.T) {
	logDir, dir := slot(t)
	l := mustOpen(t, dir, small(t))
	fill(t, l, 40)
	mustClose(t, l)
	list, err := listSegments(dir)
	if err != nil || len(list) < 4 {
		t.Fatalf("%d segments, %v", len(list), err)
	}
	for i, tampered := range map[int]bool{len(list) / 2: true, len(list) - 1: false} {
		path := filepath.Join(dir, list[i].name)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("gone"), 0o600); err != nil {
			t.Fatal(err)
		}
		var found error
		for _, err := range Read(logDir, ReadOptions{}) {
			found = errors.Join(found, err)
		}
		if errors.Is(found, ErrTampered) != tampered {
			t.Errorf("segment %d of %d: %v", i+1, len(list), found)
		}
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
