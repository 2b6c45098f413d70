package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// post sends a tools/call without waiting and returns its id.
func (g *session) post(tool, arguments string) string {
	g.t.Helper()
	return g.Post("tools/call", fmt.Sprintf(`{"name":%q,"arguments":%s}`, tool, arguments))
}

// unanswered is how a case ends in which the server fails a call.
type unanswered struct {
	name   string
	flags  []string
	before func(t *testing.T, g *session) // after the handshake
	tool   string
	args   string
	status []int  // any of them
	says   string // on stderr
}

// A server that ends in the middle of a call leaves nobody waiting: the call
// is answered in its place, the log says that nobody knows what the call did,
// and Custos ends with the server's status.
func TestServerEndsInTheMiddleOfACall(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	fork := func(args string) func(*testing.T, *session) {
		return func(t *testing.T, g *session) {
			t.Helper()
			if text := parse(t, g.Call("fork", args)).text(); !slices.ContainsFunc(marked(g.mark), func(p string) bool {
				return strings.HasPrefix(p, text+" ")
			}) {
				t.Fatalf("the grandchild %q is not there", text)
			}
		}
	}
	for _, tc := range []unanswered{
		{name: "exit", tool: "die", args: `{"code":7}`, status: []int{7}, says: "the server ended with status 7"},
		{name: "exit 0", tool: "die", args: `{"code":0}`, status: []int{0}, says: "the server ended with status 0"},
		{name: "killed", tool: "die", args: `{"signal":9}`, status: []int{137}, says: "the server ended with status 137"},
		{name: "terminated", tool: "die", args: `{"signal":15}`, status: []int{143}, says: "status 143"},
		{name: "half a line", tool: "half", args: `{"code":3}`, status: []int{3}, says: "ended within a line"},
		{
			name: "one endless line", tool: "flood", args: `{"kind":"bytes"}`,
			status: []int{137, 143}, says: "longer than the frame limit",
		},
		{name: "closes stdout", tool: "mute", args: `{}`, status: []int{0}, says: "the server closed its output"},
		{
			name: "closes stdout and lives on", flags: []string{"-stubborn"},
			tool: "mute", args: `{}`, status: []int{137}, says: "the server closed its output",
		},
		{
			name: "its child holds the pipes", before: fork(`{}`),
			tool: "die", args: `{"code":5}`, status: []int{5}, says: "status 5",
		},
		{
			name: "its child holds the pipes and left the group", before: fork(`{"away":true}`),
			tool: "die", args: `{"code":5}`, status: []int{5}, says: "status 5",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.play(t, l)
		})
	}
}

func (tc *unanswered) play(t *testing.T, l lab) {
	t.Helper()
	g := l.guard(t, setup{flags: tc.flags})
	g.Initialize("")
	if tc.before != nil {
		tc.before(t, g)
	}
	id := g.post(tc.tool, tc.args)
	reply, _ := g.Reply(id)
	unavailable(t, reply)
	below := descendants(g.PID())
	status := g.Wait()
	if !slices.Contains(tc.status, status) {
		t.Errorf("status %d, want one of %v", status, tc.status)
	}
	g.gone(below)
	g.says(tc.says)
	g.quiet()
	l.verified(t, g.state)
	if got := l.outcomes(t, g.state, tc.tool); !slices.Equal(got, []string{"unknown"}) {
		t.Errorf("outcomes %q, want unknown", got)
	}
}

func TestServerThatNeverStarts(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	t.Run("ends before the handshake", func(t *testing.T) {
		t.Parallel()
		g := l.guard(t, setup{flags: []string{"-exit", "4"}})
		g.over(4)
		g.says("the server ended with status 4")
	})
	t.Run("no such program", func(t *testing.T) {
		t.Parallel()
		g := l.guard(t, setup{command: []string{"/nonexistent/server"}})
		g.over(1)
		g.says("/nonexistent/server")
	})
}

// One death answers every call that was in flight.
func TestServerDiesUnderManyCalls(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	g := l.guard(t, setup{})
	g.Initialize("")
	waiting := map[string]bool{}
	for range 64 {
		waiting[g.post("hang", `{}`)] = true
	}
	waiting[g.post("die", `{"code":9}`)] = true
	for id := range waiting {
		waiting[id] = true
	}
	for len(waiting) > 0 {
		line, ok := g.Line()
		if !ok {
			t.Fatalf("%d calls were never answered", len(waiting))
		}
		unavailable(t, line)
		delete(waiting, string(parse(t, line).ID))
	}
	g.over(9)
	if got := l.outcomes(t, g.state, "hang"); len(got) != 64 || slices.ContainsFunc(got, func(s string) bool { return s != "unknown" }) {
		t.Errorf("64 hanging calls have the outcomes %q", got)
	}
}

// A server that ignores the end of its input and SIGTERM, and whose child
// left the process group, is gone with all its kin when Custos is.
func TestServerThatWillNotEnd(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	g := l.guard(t, setup{flags: []string{"-stubborn"}})
	g.Initialize("")
	g.Call("fork", `{"away":true}`)
	g.Call("fork", `{}`)
	id := g.post("hang", `{}`)
	g.CloseStdin()
	reply, _ := g.Reply(id)
	unavailable(t, reply)
	g.over(137)
	g.says("did not end")
}

// What a server says to nobody is dropped, and the calls beside it work.
func TestServerFloods(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for _, kind := range []string{"replies", "progress"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			g := l.guard(t, setup{})
			g.Initialize("")
			flood := g.post("flood", fmt.Sprintf(`{"kind":%q}`, kind))
			for n := range 20 {
				id := g.post("echo", fmt.Sprintf(`{"message":"m%d"}`, n))
				reply, before := g.Reply(id)
				if len(before) > 0 {
					t.Fatalf("a flood came through: %q", before[0])
				}
				if parse(t, reply).text() != fmt.Sprintf("m%d", n) {
					t.Errorf("under a flood echo answered %s", reply)
				}
			}
			g.CloseStdin()
			reply, _ := g.Reply(flood)
			unavailable(t, reply)
			g.over(143)
			anomalies := 0
			for _, r := range l.records(t, g.state) {
				if r.Kind == "anomaly" {
					anomalies++
				}
			}
			if anomalies == 0 || anomalies > 64 {
				t.Errorf("a flood left %d anomalies in the log, want a few", anomalies)
			}
		})
	}
	t.Run("notifications", func(t *testing.T) {
		t.Parallel()
		g := l.guard(t, setup{})
		g.Initialize("")
		g.post("flood", `{"kind":"notifications"}`)
		id := g.post("echo", `{"message":"beside"}`)
		if reply, _ := g.Reply(id); parse(t, reply).text() != "beside" {
			t.Errorf("under a flood echo answered %s", reply)
		}
		g.CloseStdin()
		g.over(143)
		if n := len(l.records(t, g.state)); n > 64 {
			t.Errorf("notifications wrote %d records", n)
		}
	})
}

// Lines that are no message, answers to nobody and answers that can be read
// in two ways never reach the client, and cost only themselves.
func TestServerTalksNonsense(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for _, tc := range []struct {
		tool   string
		flags  []string
		want   string // text of the answer; "" is a refusal
		status string
		says   string
	}{
		{"garbage", nil, "after garbage", "ok", "no message"},
		{"echo", []string{"-garbage"}, "hello", "ok", "no message"},
		{"duplicate", nil, "", "error", "duplicate"},
		{"misdirect", nil, "right", "ok", "nobody asked"},
		{"twice", nil, "first", "ok", "nobody asked"},
	} {
		t.Run(tc.tool, func(t *testing.T) {
			t.Parallel()
			g := l.guard(t, setup{flags: tc.flags})
			g.Initialize("")
			reply, before := g.Reply(g.post(tc.tool, `{"message":"hello"}`))
			if len(before) > 0 {
				t.Errorf("before the answer came %q", before)
			}
			if tc.want == "" {
				unavailable(t, reply)
			} else if got := parse(t, reply).text(); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			reply, before = g.Reply(g.post("echo", `{"message":"still here"}`))
			if len(before) > 0 || parse(t, reply).text() != "still here" {
				t.Errorf("afterwards: %q, %s", before, reply)
			}
			g.CloseStdin()
			g.over(0)
			g.says(tc.says)
			if got := l.outcomes(t, g.state, tc.tool); len(got) == 0 || got[0] != tc.status {
				t.Errorf("outcomes %q, want %s", got, tc.status)
			}
		})
	}
}

// A server that never reads its input does not keep Custos: what it did not
// take is answered when the client leaves.
func TestServerThatNeverReads(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	g := l.guard(t, setup{command: []string{l.bad, "-deaf"}})
	ids := map[string]bool{}
	big := strings.Repeat("x", 64<<10)
	for range 20 { // far beyond what the pipe holds
		ids[g.Post("completion/complete", `{"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a","value":"`+big+`"}}`)] = true
	}
	g.CloseStdin()
	for len(ids) > 0 {
		line, ok := g.Line()
		if !ok {
			t.Fatalf("%d requests were never answered", len(ids))
		}
		unavailable(t, line)
		delete(ids, string(parse(t, line).ID))
	}
	g.over(143)
	g.says("takes no more of its input")
}

// Orphans of a server that end by themselves are collected while it lives.
func TestServerLeavesNoZombies(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	g := l.guard(t, setup{})
	g.Initialize("")
	for range 3 {
		g.Call("litter", `{"count":5}`)
	}
	eventually(t, func() error {
		zombies := 0
		for _, pid := range descendants(g.PID()) {
			if strings.HasPrefix(procStatus(pid, "State"), "Z") {
				zombies++
			}
		}
		if zombies > 0 {
			return fmt.Errorf("%d zombies below Custos", zombies)
		}
		return nil
	})
	if got := parse(t, g.Call("echo", `{"message":"alive"}`)).text(); got != "alive" {
		t.Errorf("afterwards echo answered %q", got)
	}
	g.CloseStdin()
	g.over(0)
}
