package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"syscall"
	"testing"
)

// inFlight is how many calls wait at once in the tests under load.
const inFlight = 64

// load keeps calls in flight until this many were answered. Their ids begin
// with name. It returns false where Custos ended before.
func (g *session) load(name string, calls int) bool {
	g.t.Helper()
	next := 0
	send := func() {
		g.Send(fmt.Sprintf(`{"jsonrpc":"2.0","id":"%s-%d","method":"tools/call","params":{"name":"echo","arguments":{"message":"m"}}}`, name, next))
		next++
	}
	for range inFlight {
		send()
	}
	for range calls {
		line, ok := g.Line()
		if !ok {
			return false
		}
		if got := parse(g.t, line); got.text() != "m" {
			g.t.Fatalf("under load echo answered %s", line)
		}
		send()
	}
	return true
}

// rounds is how often Custos is killed in the tests of a kind.
func rounds(short, long int) int {
	if reliability() {
		return long
	}
	return short
}

// A call that the backend executed has its admission in the log, whenever
// Custos is killed.
func TestKilledUnderLoad(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	state, executed := "", []string{}
	total := 0
	for round := range rounds(20, 500) {
		if round%20 == 0 { // checking a log that grew for ever would take for ever
			state, executed = filepath.Join(t.TempDir(), "state"), nil
		}
		g := l.guard(t, setup{state: state})
		g.Initialize("")
		if !g.load(fmt.Sprint("r", round), 1+rand.IntN(200)) {
			t.Fatalf("round %d: Custos ended by itself", round)
		}
		g.Signal(syscall.SIGKILL)
		if got := g.Wait(); got != -int(syscall.SIGKILL) {
			t.Errorf("round %d: status %d", round, got)
		}
		g.nobody()
		l.verified(t, state)
		ids := g.executed()
		if len(ids) == 0 {
			t.Errorf("round %d: the backend executed nothing", round)
		}
		executed = append(executed, ids...)
		total += len(ids)
		l.admitted(t, state, executed)
		if t.Failed() {
			t.Fatalf("round %d failed", round)
		}
	}
	t.Logf("%d calls were executed, each with its admission on record", total)
}

// Processes that share a state directory keep a chain each, and whoever comes
// later continues one.
func TestTenShareOneState(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	state := filepath.Join(t.TempDir(), "state")
	const many, calls = 10, 40
	for wave := range 2 {
		var all []*session
		for range many {
			all = append(all, l.guard(t, setup{state: state}))
		}
		done := make(chan bool, many)
		for n, g := range all {
			go func() {
				g.Initialize("")
				done <- g.load(fmt.Sprintf("w%d-s%d", wave, n), calls)
			}()
		}
		for range many {
			if !<-done {
				t.Fatal("Custos ended by itself")
			}
		}
		l.running(t, state, many)
		l.verified(t, state) // also while they write
		var executed []string
		for _, g := range all {
			g.CloseStdin()
		}
		for _, g := range all {
			if got := g.Wait(); got != 0 {
				t.Errorf("status %d", got)
			}
			g.nobody()
			g.quiet()
			executed = append(executed, g.executed()...)
		}
		l.verified(t, state)
		l.admitted(t, state, executed)
		l.outcomes(t, state, "echo")
		l.chains(t, state, many, wave+1)
	}
	l.running(t, state, 0)
}

// running fails the test unless status tells of this many processes in slots
// of their own.
func (l lab) running(t *testing.T, state string, want int) {
	t.Helper()
	out, errs, status := l.custosCommand(t, "status", "--json", "--state", state)
	if status != 0 {
		t.Fatalf("status: %d\n%s", status, errs)
	}
	var health struct {
		Running []struct{ Slot, PID int }
		Log     struct{ Verdict string }
	}
	if err := json.Unmarshal([]byte(out), &health); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	slots, pids := map[int]bool{}, map[int]bool{}
	for _, r := range health.Running {
		slots[r.Slot], pids[r.PID] = true, true
	}
	if len(slots) != want || len(pids) != want || health.Log.Verdict != "intact" {
		t.Errorf("status tells of %d processes in %d slots, log %s; want %d, intact", len(pids), len(slots), health.Log.Verdict, want)
	}
}

// chains fails the test unless there are this many chains, each with this many
// sessions one after the other.
func (l lab) chains(t *testing.T, state string, slots, sessions int) {
	t.Helper()
	starts, stops, geneses := map[int]int{}, map[int]int{}, map[int]int{}
	for _, r := range l.records(t, state) {
		switch r.Kind {
		case "start":
			starts[r.Slot]++
			if starts[r.Slot] != stops[r.Slot]+1 {
				t.Errorf("slot %d has two sessions at once", r.Slot)
			}
		case "stop":
			stops[r.Slot]++
		case "genesis":
			geneses[r.Slot]++
		}
	}
	if len(starts) != slots {
		t.Errorf("%d slots were used, want %d", len(starts), slots)
	}
	for slot, n := range starts {
		if n != sessions || stops[slot] != sessions || geneses[slot] != 1 {
			t.Errorf("slot %d: %d starts, %d stops, %d chains; want %d sessions on one chain", slot, n, stops[slot], geneses[slot], sessions)
		}
	}
}
