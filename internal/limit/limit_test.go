package limit

import (
	"sync"
	"testing"
	"time"
)

var start = time.Unix(1_700_000_000, 0)

func TestReserveCountsWithinTheWindow(t *testing.T) {
	table := New()
	c := []Counter{{"a", time.Minute}}
	for i := range int64(5) {
		if got := table.Reserve(start.Add(time.Duration(i)*time.Second), c)[0]; got != i {
			t.Fatalf("call %d: %d before it", i, got)
		}
	}
	for _, at := range []struct {
		after time.Duration
		want  int64
	}{{59 * time.Second, 5}, {62 * time.Second, 4}, {3 * time.Minute, 0}} {
		if got := table.Reserve(start.Add(at.after), c)[0]; got != at.want {
			t.Errorf("after %v: %d before it, want %d", at.after, got, at.want)
		}
	}
}

func TestKeysAreCountedApart(t *testing.T) {
	table := New()
	table.Reserve(start, []Counter{{"a", time.Minute}, {"b", time.Hour}})
	if got := table.Reserve(start, []Counter{{"b", time.Hour}, {"c", time.Hour}}); got[0] != 1 || got[1] != 0 {
		t.Errorf("got %v", got)
	}
}

func TestRefundTakesBackOnce(t *testing.T) {
	table := New()
	c := []Counter{{"a", time.Minute}}
	table.Reserve(start, c)
	table.Reserve(start, c)
	table.Refund(start, c)
	table.Refund(start.Add(-time.Hour), c) // of a step that is long gone
	table.Refund(start, []Counter{{"unheard", time.Minute}})
	if got := table.Reserve(start, c)[0]; got != 1 {
		t.Errorf("%d before it", got)
	}
}

// A clock that is set back must not open anything.
func TestTimeThatRunsBackwardsForgetsNothing(t *testing.T) {
	table := New()
	c := []Counter{{"a", time.Minute}}
	for range 3 {
		table.Reserve(start, c)
	}
	if got := table.Reserve(start.Add(-time.Hour), c)[0]; got != 3 {
		t.Errorf("%d before it", got)
	}
}

func TestWhatIsOverIsForgotten(t *testing.T) {
	table := New()
	for _, key := range []string{"a", "b", "c"} {
		table.Reserve(start, []Counter{{key, time.Minute}})
	}
	table.Reserve(start.Add(time.Hour), []Counter{{"d", time.Minute}})
	if len(table.counts) != 1 {
		t.Errorf("%d counts are kept", len(table.counts))
	}
}

// Of calls that come at once, no more are first than there are.
func TestReserveIsSafeForConcurrentUse(t *testing.T) {
	const callers, most = 64, 10
	table := New()
	c := []Counter{{"a", time.Minute}}
	var mu sync.Mutex
	within := 0
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			if table.Reserve(start, c)[0] < most {
				mu.Lock()
				within++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if within != most {
		t.Errorf("%d of %d are within %d", within, callers, most)
	}
}
