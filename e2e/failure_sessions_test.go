package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Sessions one after the other leave nothing behind but their records, and the
// last starts as quickly as the first.
func TestManyShortSessions(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.custos = l.plain // as users have it: start-up is reported
	state := filepath.Join(t.TempDir(), "state")
	sessions := rounds(200, 2000)
	var took []time.Duration
	for n := range sessions {
		// Everything that a session starts and opens ends with it.
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			began := time.Now()
			g := l.guard(t, setup{state: state})
			g.Initialize("")
			took = append(took, time.Since(began))
			g.Call("echo", `{"message":"short"}`)
			g.CloseStdin()
			below := descendants(g.PID())
			if got := g.Wait(); got != 0 {
				t.Errorf("status %d", got)
			}
			g.gone(below)
		})
		if t.Failed() {
			t.FailNow()
		}
	}
	l.verified(t, state)
	l.chains(t, state, 1, sessions)
	if got := l.outcomes(t, state, "echo"); len(got) != sessions {
		t.Errorf("%d calls have an outcome, want %d", len(got), sessions)
	}
	if left, err := os.ReadDir(filepath.Join(state, "run")); err != nil || len(left) > 0 {
		t.Errorf("run/ holds %v, %v", left, err)
	}
	t.Logf("start to first answer: %v over the first ten, %v over the last ten", mean(took[:10]), mean(took[len(took)-10:]))
}

func mean(list []time.Duration) time.Duration {
	var sum time.Duration
	for _, d := range list {
		sum += d
	}
	return (sum / time.Duration(len(list))).Round(100 * time.Microsecond)
}

// signing reports an error until the log's keeper has opened what it signs: the
// tree, and the segment that it reads back.
func signing(pid int) error {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	held := map[string]int{}
	for _, e := range entries {
		if name, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil {
			held[filepath.Ext(name)]++
			held[filepath.Base(name)]++
		}
	}
	if held["tree"] == 0 || held[".seg"] < 2 {
		return fmt.Errorf("no tree and segment among %v", held)
	}
	return nil
}

// A long session holds no more descriptors and threads of its server than a
// short one.
func TestLongSessionLeaksNoDescriptor(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	g := l.guard(t, setup{})
	g.Initialize("")
	open := func() int {
		g.Call("echo", `{"message":"count"}`)
		entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", g.PID()))
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	g.Call("echo", `{"message":"first"}`)
	eventually(t, func() error { return signing(g.PID()) })
	before := open()
	for n := range 20 {
		if !g.load(fmt.Sprint("n", n), 50) {
			t.Fatal("Custos ended by itself")
		}
		for range inFlight {
			g.Line() // what load left in flight
		}
		g.Call("fork", `{"away":true}`)
		g.Call("litter", `{"count":2}`)
		g.Call("garbage", `{}`)
		g.Call("duplicate", `{}`)
	}
	eventually(t, func() error { // the search for orphans holds one for a moment
		if after := open(); after > before {
			return fmt.Errorf("%d descriptors at the beginning, %d after 1,300 calls", before, after)
		}
		return nil
	})
	g.CloseStdin()
	g.over(0)
}
