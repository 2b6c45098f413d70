package index

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/query"
)

// Ten at once on one state directory: four write the log, four bring the index up
// to date and ask it, one builds it anew again and again, one adds up. Nobody
// sees half of anything, and in the end the index says what the log says.
func TestTenAtOnce(t *testing.T) {
	w := newWorld(t, 13)
	for slot := range 4 {
		w.log(slot)
	}
	w.write(100, 4)
	w.update()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var writers, readers sync.WaitGroup
	for slot := range 4 {
		l := w.log(slot)
		writers.Go(func() { call(t, l, 60) })
	}
	repeat := func(f func(*Index) error) {
		readers.Go(func() {
			x := &Index{folder: w.index.folder, logDir: w.logDir}
			for ctx.Err() == nil {
				if err := f(x); err != nil && ctx.Err() == nil {
					t.Errorf("beside the others: %v", err)
					return
				}
			}
		})
	}
	for range 4 {
		repeat(func(x *Index) error {
			if _, err := x.Update(ctx, UpdateOptions{Wait: time.Minute}); err != nil {
				return err
			}
			entries, err := x.Search(ctx, &query.Filter{Tool: []string{"files.busy"}}, Page{Limit: 5})
			for _, e := range entries {
				if e.Record.Tool != "busy" {
					t.Errorf("found %+v", e.Record)
				}
			}
			return err
		})
	}
	repeat(func(x *Index) error { _, err := x.Rebuild(ctx, UpdateOptions{}); return err })
	repeat(func(x *Index) error {
		_, err := x.Stats(ctx, time.Time{}, time.Time{}, time.UTC)
		return err
	})
	writers.Wait()
	stop()
	readers.Wait()
	w.update()
	f := query.Filter{Tool: []string{"files.busy"}, Decision: []access.Effect{access.Allow}}
	got := map[string]bool{}
	for _, id := range w.search(&f, Page{}) {
		got[id] = true
	}
	want := map[string]bool{}
	for _, id := range matching(w.entries(), &f) {
		want[id] = true
	}
	if d := cmp.Diff(want, got); len(want) != 240 || d != "" {
		t.Errorf("%d calls (-log +index)\n%s", len(want), d)
	}
}

// call makes n calls, each durable before the next.
func call(t *testing.T, l *audit.Log, n int) {
	t.Helper()
	for range n {
		a := l.Append(audit.Record{Kind: audit.KindAdmission, Backend: "files", Tool: "busy", Decision: access.Allow, Reason: access.RuleAllowed})
		o := l.Append(audit.Record{Kind: audit.KindOutcome, Admission: a.Seq(), Status: audit.StatusOK})
		if err := errors.Join(a.Wait(), o.Wait()); err != nil {
			t.Error(err)
			return
		}
	}
}

// A build that is interrupted leaves the old index in use and nothing behind.
func TestAnInterruptedBuildLeavesTheOldOne(t *testing.T) {
	w := newWorld(t, 13)
	w.write(300, 2)
	w.update()
	old := w.database()
	ctx, stop := context.WithCancel(context.Background())
	_, err := w.index.Rebuild(ctx, UpdateOptions{Progress: func(uint64) { stop() }})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("%v", err)
	}
	if w.database() != old {
		t.Error("another database is in use")
	}
	f := query.Filter{}
	if want, got := matching(w.entries(), &f), w.search(&f, Page{}); len(got) != len(want) {
		t.Errorf("%d entries, want %d", len(got), len(want))
	}
}

// Who cannot have the lock is told, and can go on asking.
func TestBusy(t *testing.T) {
	w := newWorld(t, 13)
	w.write(100, 1)
	w.update()
	w.write(100, 1)
	unlock, err := w.index.folder.lock(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	r, err := w.index.Update(context.Background(), UpdateOptions{})
	if err != nil || !r.Busy {
		t.Errorf("%+v, %v", r, err)
	}
	if lag, err := w.index.Lag(context.Background()); err != nil || lag < 100 {
		t.Errorf("lag %d, %v", lag, err)
	}
	if len(w.search(&query.Filter{}, Page{Limit: 3})) != 3 {
		t.Error("the index does not answer")
	}
	unlock()
	w.update()
	if lag, err := w.index.Lag(context.Background()); err != nil || lag != 0 {
		t.Errorf("lag %d, %v", lag, err)
	}
}
