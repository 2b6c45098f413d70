package sink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// shipped delivers everything to a memory and returns its stats.
func (w *world) shipped(in *inbox) Stats {
	w.t.Helper()
	board := NewBoard()
	err := w.ship(memorySpec(in, nil), board)
	stats := board.Stats()[0]
	if err != nil && stats.Breaks == 0 {
		w.t.Fatal(err)
	}
	return stats
}

// segmentFiles are the segments of slot 0, oldest first.
func (w *world) segmentFiles() []string {
	w.t.Helper()
	list, err := filepath.Glob(filepath.Join(w.logDir, "00", "*.seg"))
	if err != nil || len(list) < 3 {
		w.t.Fatalf("segments %v, %v", list, err)
	}
	return list
}

func TestWhatRetentionRemovedIsCountedAsLost(t *testing.T) {
	w, in := newWorld(t), &inbox{}
	w.calls(0, 10)
	w.shipped(in)
	before, _ := in.once()
	w.calls(0, 200)
	w.closeLogs()
	all := w.uids()[0]
	for _, f := range w.segmentFiles()[:3] {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	left := w.uids()[0]
	stats := w.shipped(in)
	if want := uint64(len(all) - len(left) - len(before[0])); stats.Lost != want || stats.Breaks != 0 {
		t.Errorf("%d lost and %d breaks, want %d and 0", stats.Lost, stats.Breaks, want)
	}
	got, _ := in.once()
	if d := cmp.Diff(slices.Concat(before[0], left), got[0]); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// Retention may remove what was delivered without anybody noticing.
func TestRetentionBehindTheCursorLosesNothing(t *testing.T) {
	w, in := newWorld(t), &inbox{}
	w.calls(0, 200)
	w.shipped(in)
	w.closeLogs()
	list := w.segmentFiles()
	for _, f := range list[:len(list)-1] {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	w.calls(0, 5)
	if stats := w.shipped(in); stats.Lost != 0 || stats.Breaks != 0 {
		t.Errorf("%+v", stats)
	}
}

// A log in whose place somebody put another one is delivered anew, and that is
// said.
func TestALogThatDoesNotGoOnIsNoticed(t *testing.T) {
	for name, replace := range map[string]func(w *world){
		"shorter":   func(w *world) { w.calls(0, 3) },
		"as long":   func(w *world) { w.calls(0, 20) },
		"longer":    func(w *world) { w.calls(0, 60) },
		"taken off": func(w *world) { w.log(0) },
	} {
		t.Run(name, func(t *testing.T) {
			w, in := newWorld(t), &inbox{}
			w.calls(0, 20)
			w.shipped(in)
			w.closeLogs()
			if err := os.RemoveAll(filepath.Join(w.logDir, "00")); err != nil {
				t.Fatal(err)
			}
			replace(w)
			w.closeLogs()
			again := &inbox{}
			if stats := w.shipped(again); stats.Breaks == 0 || !strings.Contains(stats.LastError+errRewound.Error(), "does not go on") {
				t.Errorf("not noticed: %+v", stats)
			}
			w.shipped(again)
			got, _ := again.once()
			if d := cmp.Diff(w.uids(), got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

// A slot that cannot be read does not hold the others up.
func TestABrokenSlotHoldsNobodyUp(t *testing.T) {
	w, in := newWorld(t), &inbox{}
	w.calls(0, 200)
	w.calls(1, 20)
	w.closeLogs()
	want := w.uids()[1]
	file := w.segmentFiles()[1]
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	stats := w.shipped(in)
	got, _ := in.once()
	if d := cmp.Diff(want, got[1]); d != "" || stats.Breaks == 0 {
		t.Errorf("%d breaks, (-want +got)\n%s", stats.Breaks, d)
	}
	if len(got[0]) == 0 {
		t.Error("what stands before the break was not delivered")
	}
}

func TestACursorThatCannotBeReadIsAnError(t *testing.T) {
	w, in := newWorld(t), &inbox{}
	w.calls(0, 3)
	for _, text := range []string{"", "{", `{"v":99,"instance":"i_test","slots":{}}`} {
		w.cursors["memory"] = []byte(text)
		if err := w.ship(memorySpec(in, nil), nil); err == nil {
			t.Errorf("%q was taken for a cursor", text)
		}
	}
	// That of another instance is none: the state directory was made anew.
	w.cursors["memory"] = []byte(`{"v":1,"instance":"i_other","slots":{"0":{"seq":900}}}`)
	w.shipped(in)
	if got, _ := in.once(); len(got[0]) != len(w.uids()[0]) {
		t.Errorf("%d of %d delivered", len(got[0]), len(w.uids()[0]))
	}
}

// What the log must keep for the sinks: a cursor that nobody can read is no
// permission to delete.
func TestDelivered(t *testing.T) {
	w := newWorld(t)
	w.cursors["a"] = []byte(`{"v":1,"instance":"i_test","slots":{"0":{"seq":7},"1":{"seq":9}}}`)
	w.cursors["b"] = []byte(`{`)
	w.cursors["c"] = []byte(`{"v":1,"instance":"i_other","slots":{"0":{"seq":7}}}`)
	w.cursors["e"] = []byte(`{"v":1,"instance":"i_test","slots":{"1":{"seq":2}}}`)
	sinks := []Spec{{Name: "a"}, {Name: "b"}, {Name: "c"}, {Name: "d"}, {Name: "e", FromEnd: true}, {Name: "f", FromEnd: true}}
	want := map[string]uint64{"a": 7, "b": 0, "c": 0, "d": 0, "e": 0}
	if d := cmp.Diff(want, Delivered(w, sinks, testInstance, 0)); d != "" {
		t.Error(d)
	}
	if got := Delivered(w, sinks, testInstance, 1); got["a"] != 9 || got["e"] != 2 {
		t.Errorf("slot 1: %v", got)
	}
}

// The cursor says what the receiver has, and never more.
func TestTheCursorNeverLeads(t *testing.T) {
	w, in := newWorld(t), &inbox{}
	w.calls(0, 400)
	n := 0
	spec := memorySpec(in, func([]Event) error {
		if n++; n == 2 {
			return errDown
		}
		return nil
	})
	if err := w.ship(spec, nil); !errors.Is(err, errDown) {
		t.Fatalf("%v", err)
	}
	got, _ := in.once()
	var c Cursor
	if err := json.Unmarshal(w.saved()["memory"], &c); err != nil || c.Slots[0].Seq != uint64(len(got[0])) {
		t.Fatalf("the cursor stands at %d, %d were delivered (%v)", c.Slots[0].Seq, len(got[0]), err)
	}
}

func TestBatchesAreBounded(t *testing.T) {
	w, in := newWorld(t), &inbox{}
	w.calls(0, 600)
	w.calls(1, 600)
	most := 0
	spec := memorySpec(in, func(b []Event) error {
		most = max(most, len(b))
		return nil
	})
	if err := w.ship(spec, nil); err != nil {
		t.Fatal(err)
	}
	if most > maxBatch || most < maxBatch/2 {
		t.Errorf("the largest batch has %d events", most)
	}
}

func TestWhatIsDroppedIsCountedAndNotTriedAgain(t *testing.T) {
	w, in := newWorld(t), &inbox{}
	w.calls(0, 4)
	board, tries := NewBoard(), 0
	spec := memorySpec(in, func(b []Event) error {
		tries++
		return &DropError{Events: 2, Err: errDown}
	})
	if err := w.ship(spec, board); err != nil {
		t.Fatal(err)
	}
	if s := board.Stats()[0]; s.Dropped != 2 || s.Delivered != uint64(len(w.uids()[0])-2) || tries != 1 {
		t.Errorf("%d tries, %+v", tries, s)
	}
}

// An outcome is given its admission, also where an earlier process delivered
// that one.
func TestOutcomesHaveTheirAdmissions(t *testing.T) {
	w := newWorld(t)
	w.calls(0, 3)
	var got []string
	spec := Spec{Name: "memory", Pair: true, Open: func(context.Context) (Sink, error) {
		return &memory{&inbox{}, func(b []Event) error {
			for _, ev := range b {
				if ev.Record.Admission != 0 {
					got = append(got, fmt.Sprint(ev.Record.Admission == ev.Admission.Seq, " ", ev.Admission.Tool))
				}
			}
			return nil
		}}, nil
	}}
	// The cursor of a process that ended between admission and outcome.
	w.cursors["memory"] = []byte(`{"v":1,"instance":"i_test","slots":{"0":{"seq":2}}}`)
	if err := w.ship(spec, nil); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"true tool0", "true tool1", "true tool2"}, got); d != "" {
		t.Error(d)
	}
}

func TestTheWaitGrowsAndIsNeverTheSame(t *testing.T) {
	var b backoff
	seen := map[time.Duration]bool{}
	for i := range 40 {
		whole := min(firstWait<<min(i, 10), lastWait)
		got := b.next()
		if got < whole/2 || got > whole {
			t.Fatalf("attempt %d waits %v, want %v to %v", i, got, whole/2, whole)
		}
		seen[got] = true
	}
	if len(seen) < 30 {
		t.Errorf("only %d of 40 waits differ", len(seen))
	}
	b.reset()
	if got := b.next(); got > firstWait {
		t.Errorf("after a success: %v", got)
	}
}

// A receiver that is down for an hour costs a few dozen attempts, is told of
// once, and gets everything when it is back.
func TestAReceiverThatIsDownForAnHour(t *testing.T) {
	w, in := newWorld(t), &inbox{}
	w.calls(0, 50)
	w.closeLogs()
	want := w.uids()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		tries := 0
		spec := memorySpec(in, func([]Event) error {
			if tries++; time.Since(began) < time.Hour {
				return errDown
			}
			return nil
		})
		ctx, stop := context.WithTimeout(t.Context(), 2*time.Hour)
		defer stop()
		var notices []string
		board := NewBoard()
		err := Ship(ctx, Options{
			LogDir: w.logDir, Instance: testInstance, Cursors: w, Sinks: []Spec{spec}, Board: board,
			Notice: func(text string) { notices = append(notices, text) },
		})
		if err != nil {
			t.Fatal(err)
		}
		if tries < 60 || tries > 160 {
			t.Errorf("%d attempts in an hour", tries)
		}
		if len(notices) != 2 || !strings.Contains(notices[0], "is down") || !strings.Contains(notices[1], "works again") {
			t.Errorf("told: %q", notices)
		}
		if s := board.Stats()[0]; s.Failures != uint64(tries-1) || s.Lag(time.Now()) != 0 || s.LastError != "" {
			t.Errorf("%d attempts, %+v", tries, s)
		}
	})
	if got, again := in.once(); cmp.Diff(want, got) != "" || again != 0 {
		t.Errorf("%d came twice; (-want +got)\n%s", again, cmp.Diff(want, got))
	}
}

// An idle log is left alone, and noticed when it is written again.
func TestAnIdleSlotIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	w.calls(0, 3)
	w.closeLogs()
	now := time.Now()
	r := newReader(w.logDir, Cursor{Instance: testInstance, Slots: map[int]Point{}}, false, func() time.Time { return now })
	read := func() int {
		events, err := r.batch()
		if err != nil {
			t.Fatal(err)
		}
		return len(events)
	}
	if read() == 0 || read() != 0 {
		t.Fatal("not everything was read at once")
	}
	if r.idle(0) {
		t.Error("left alone while the clock may be too coarse to see a write")
	}
	now = now.Add(coarse + time.Second)
	read()
	if !r.idle(0) {
		t.Error("looked at again for nothing")
	}
	w.calls(0, 1)
	if r.idle(0) || read() == 0 {
		t.Error("a record was overlooked")
	}
	now = now.Add(longest + time.Second)
	if r.idle(0) {
		t.Error("never looked at again")
	}
}
