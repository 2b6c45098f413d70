package e2e

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// stopped fails the test unless the log says that the session ended in an
// orderly way: a Custos that was killed by a signal says nothing.
func (g *session) stopped() {
	g.t.Helper()
	last := ""
	for _, r := range g.lab.records(g.t, g.state) {
		if r.Kind != "segment" { // a log that grew long ends with a short one
			last = r.Kind
		}
	}
	if last != "stop" {
		g.t.Errorf("the log ends with a record of kind %q, not with a stop", last)
	}
}

// The end of the client's output is not the end of its calls.
func TestClientClosesStdinInTheMiddleOfACall(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	g := l.guard(t, setup{})
	g.Initialize("")
	id := g.post("slow", `{"ms":700}`)
	g.CloseStdin()
	if reply, _ := g.Reply(id); parse(t, reply).text() != "slow" {
		t.Errorf("got %s", reply)
	}
	g.over(0)
	g.stopped()
	if got := l.outcomes(t, g.state, "slow"); !slices.Equal(got, []string{"ok"}) {
		t.Errorf("outcomes %q, want ok", got)
	}
}

// A client that no longer reads ends the session, not the log: what the
// server did is accounted for, and nothing of it is left.
func TestClientGoesAway(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	t.Run("closes stdout", func(t *testing.T) {
		t.Parallel()
		g := l.guard(t, setup{})
		g.Initialize("")
		g.Call("echo", `{"message":"first"}`)
		g.CloseStdout()
		g.post("echo", `{"message":"second"}`)
		g.over(0)
		g.stopped()
		if got := l.outcomes(t, g.state, "echo"); !slices.Equal(got, []string{"ok", "ok"}) {
			t.Errorf("outcomes %q, want ok twice", got)
		}
	})
	t.Run("dies", func(t *testing.T) {
		t.Parallel()
		g := l.guard(t, setup{})
		g.Initialize("")
		g.Call("fork", `{"away":true}`)
		g.post("hang", `{}`)
		g.post("hang", `{}`)
		eventually(t, func() error {
			if n := len(g.executed()); n < 3 {
				return fmt.Errorf("%d calls were executed", n)
			}
			return nil
		})
		g.CloseStdout()
		g.CloseStdin()
		g.over(0)
		g.stopped()
		if got := l.outcomes(t, g.state, "hang"); !slices.Equal(got, []string{"unknown", "unknown"}) {
			t.Errorf("outcomes %q, want unknown twice", got)
		}
	})
}

// rss returns the resident memory of a process in MiB.
func rss(t *testing.T, pid int) int {
	t.Helper()
	kib, err := strconv.Atoi(strings.TrimSuffix(procStatus(pid, "VmRSS"), " kB"))
	if err != nil {
		t.Fatalf("no VmRSS of %d: %v", pid, err)
	}
	return kib >> 10
}

// waitingRefusals is how many refused calls wait for a client that does not read:
// more than the pipe and the test itself take.
const waitingRefusals = 12000

// blocked makes a session whose client does not read while the server floods,
// and fails the test where Custos takes much memory meanwhile. It returns the
// id of the last refusal that waits for the client.
func (l lab) blocked(t *testing.T) (g *session, last string) {
	t.Helper()
	l.custos = l.plain // the race detector takes memory of its own
	g = l.guard(t, setup{})
	g.Initialize("")
	g.Call("echo", `{"message":"ready"}`)
	g.post("flood", `{"kind":"notifications","bytes":1000}`)
	var middle string
	for n := range waitingRefusals {
		last = g.post("forbidden", `{}`)
		if n == 5000 {
			middle = last
		}
	}
	g.skipTo(middle) // now the flood queues behind the rest
	most, since := 0, time.Now()
	eventually(t, func() error { // the flood has come to a stop
		if now := rss(t, g.PID()); now > most {
			most, since = now, time.Now()
		}
		if most > 200 {
			t.Fatalf("a client that does not read costs %d MiB and more", most)
		}
		if time.Since(since) < 2*time.Second {
			return fmt.Errorf("memory still grows: %d MiB", most)
		}
		return nil
	})
	t.Logf("%d MiB at most", most)
	return g, last
}

// skipTo is Reply without a look at what comes before, which is a lot.
func (g *session) skipTo(id string) string {
	g.t.Helper()
	for {
		line, ok := g.Line()
		if !ok {
			g.t.Fatalf("stdout ended before the reply to %s", id)
		}
		if strings.HasPrefix(line, `{"jsonrpc":"2.0","id":`+id+`,`) {
			return line
		}
	}
}

// A client that stops reading holds the server up; it does not fill memory.
func TestClientStopsReading(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	t.Run("and goes on", func(t *testing.T) {
		t.Parallel()
		g, last := l.blocked(t)
		if reply := g.skipTo(last); parse(t, reply).refused() != "not_available" {
			t.Errorf("the last call was answered %s", reply)
		}
		g.CloseStdin()
		g.over(143)
		g.stopped()
	})
	t.Run("until Custos is told to end", func(t *testing.T) {
		t.Parallel()
		g, _ := l.blocked(t)
		g.Signal(syscall.SIGTERM)
		below := descendants(g.PID())
		eventually(t, func() error {
			if state := procStatus(g.PID(), "State"); state != "" && !strings.HasPrefix(state, "Z") {
				return fmt.Errorf("custos is still in state %s", state)
			}
			return nil
		})
		g.gone(below)
		g.over(143)
		g.stopped()
	})
	t.Run("until its server dies", func(t *testing.T) {
		t.Parallel()
		g := l.guard(t, setup{})
		g.Initialize("")
		g.Call("echo", `{"message":"ready"}`)
		for range 300 { // more answers than the pipe and the test hold
			g.post("hang", `{}`)
		}
		for range 40 {
			g.post("huge", `{"bytes":60000}`)
		}
		g.post("die", `{"code":6}`)
		eventually(t, func() error {
			if state := procStatus(g.PID(), "State"); state != "" && !strings.HasPrefix(state, "Z") {
				return fmt.Errorf("custos is still in state %s", state)
			}
			return nil
		})
		g.over(6)
		g.stopped()
	})
}

// A signal ends Custos as the end of its input does. SIGHUP reads policy files
// again: see TestReloadOnHangup.
func TestSignals(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			g := l.guard(t, setup{})
			g.Initialize("")
			g.Call("fork", `{"away":true}`)
			id := g.post("hang", `{}`)
			eventually(t, func() error {
				if n := len(g.executed()); n < 2 {
					return fmt.Errorf("%d calls were executed", n)
				}
				return nil
			})
			g.Signal(sig)
			reply, _ := g.Reply(id)
			unavailable(t, reply)
			g.over(0)
			g.stopped()
		})
	}
}

// A Custos that is killed takes its server with it, and the next one says what
// nobody knows.
func TestCustosIsKilled(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	g := l.guard(t, setup{flags: []string{"-stubborn"}})
	g.Initialize("")
	g.post("hang", `{}`)
	eventually(t, func() error {
		if len(g.executed()) == 0 {
			return fmt.Errorf("the call was not executed")
		}
		return nil
	})
	g.Signal(syscall.SIGKILL)
	if got := g.Wait(); got != -int(syscall.SIGKILL) {
		t.Errorf("status %d", got)
	}
	g.nobody()
	l.verified(t, g.state)
	next := l.guard(t, setup{state: g.state})
	next.Initialize("")
	next.CloseStdin()
	next.over(0)
	if got := l.outcomes(t, g.state, "hang"); !slices.Equal(got, []string{"unknown"}) {
		t.Errorf("outcomes %q, want unknown", got)
	}
}
