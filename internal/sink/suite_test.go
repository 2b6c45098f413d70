package sink

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/audit"
)

// receiver is the other end of a sink in the cursor suite.
type receiver struct {
	// spec returns the sink that delivers here.
	spec Spec
	// down makes the receiver refuse, or accept again.
	down func(down bool)
	// inbox holds what arrived. nil: the receiver counts, and count says how many
	// records it was told of.
	inbox *inbox
	count func() int
	base  int // records before the counting began
	// keep says which records arrive; nil: all of them.
	keep func(*audit.Record) bool
	// collect fills the inbox from what the sink left behind; nil: it fills itself.
	collect func()
}

// runCursorSuite is what every sink passes: nothing is missing, whatever
// happens, and what comes again has the id that it had.
func runCursorSuite(t *testing.T, open func(t *testing.T) *receiver) {
	t.Helper()
	t.Run("delivers everything in order", func(t *testing.T) {
		w, r := newWorld(t), open(t)
		w.begin(r)
		w.calls(0, 300)
		w.calls(3, 5)
		r.ships(t, w)
		r.has(t, w, 0)
	})
	t.Run("goes on where it was", func(t *testing.T) {
		w, r := newWorld(t), open(t)
		w.begin(r)
		for range 3 {
			w.calls(0, 60)
			r.ships(t, w)
		}
		r.has(t, w, 0)
	})
	t.Run("killed between delivery and cursor", func(t *testing.T) {
		w, r := newWorld(t), open(t)
		w.begin(r)
		w.calls(0, 40)
		r.ships(t, w)
		w.calls(0, 40)
		w.freeze(true)
		r.ships(t, w) // delivered, and forgotten
		w.freeze(false)
		r.ships(t, w)
		r.has(t, w, 1)
	})
	t.Run("receiver down", func(t *testing.T) {
		w, r := newWorld(t), open(t)
		if r.down == nil {
			t.Skip("nothing that this sink waits for can be down")
		}
		w.calls(0, 20)
		r.ships(t, w)
		r.down(true)
		w.calls(0, 20)
		if err := w.ship(r.spec, nil); err == nil {
			t.Fatal("delivered to a receiver that is down")
		}
		r.down(false)
		r.ships(t, w)
		r.has(t, w, -1)
	})
	t.Run("follows a live log", func(t *testing.T) {
		w, r := newWorld(t), open(t)
		w.begin(r)
		ctx, stop := context.WithCancel(context.Background())
		board := NewBoard()
		done := beside(func() error {
			return Ship(ctx, Options{LogDir: w.logDir, Instance: testInstance, Cursors: w, Sinks: []Spec{r.spec}, Board: board})
		})
		w.calls(0, 30)
		w.calls(1, 30) // a slot that was not there before
		deadline := time.Now().Add(time.Minute)
		for !r.complete(w, board) && time.Now().Before(deadline) {
			time.Sleep(20 * time.Millisecond)
		}
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		r.has(t, w, -1) // it may be stopped within a delivery
	})
}

// beside runs f beside the test.
func beside(f func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	return done
}

// begin gives a sink that begins at the end its cursor.
func (w *world) begin(r *receiver) {
	w.t.Helper()
	if r.spec.FromEnd {
		w.log(0)
		r.ships(w.t, w)
		r.base = total(w.uids())
	}
}

func (r *receiver) ships(t testing.TB, w *world) {
	t.Helper()
	board := NewBoard()
	if err := w.ship(r.spec, board); err != nil {
		t.Fatal(err)
	}
	for _, s := range board.Stats() {
		if s.Dropped != 0 || s.Lost != 0 || s.Failures != 0 || s.Breaks != 0 {
			t.Fatalf("not everything went well: %+v", s)
		}
	}
}

func (r *receiver) want(w *world) map[int][]string {
	if r.collect != nil {
		r.collect()
	}
	return w.uidsOf(r.keep)
}

func (r *receiver) complete(w *world, board *Board) bool {
	want := r.want(w)
	if r.inbox == nil {
		stats := board.Stats()
		return len(stats) > 0 && stats[0].Delivered >= uint64(total(want)-r.base)
	}
	got, _ := r.inbox.once()
	return cmp.Equal(want, got)
}

// has checks that everything arrived: again says whether some of it has to have
// come twice (1), must not (0), or may (-1).
func (r *receiver) has(t *testing.T, w *world, again int) {
	t.Helper()
	want := r.want(w)
	if r.inbox == nil {
		n := total(want) - r.base
		if got := r.count(); got < n || again == 0 && got != n {
			t.Fatalf("told of %d records, want %d", got, n)
		}
		return
	}
	got, twice := r.inbox.settled(want, again == 1)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("(-recorded +received)\n%s", diff)
	}
	if again == 0 && twice > 0 || again == 1 && twice == 0 {
		t.Fatalf("%d records came twice", twice)
	}
}

func total(order map[int][]string) int {
	n := 0
	for _, list := range order {
		n += len(list)
	}
	return n
}

var errDown = errors.New("the receiver is down")

func TestCursorSuiteOfAMemory(t *testing.T) {
	t.Parallel()
	runCursorSuite(t, func(*testing.T) *receiver {
		in, down := &inbox{}, false
		return &receiver{inbox: in, down: func(d bool) { down = d }, spec: memorySpec(in, func([]Event) error {
			if down {
				return errDown
			}
			return nil
		})}
	})
}
