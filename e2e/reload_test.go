package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/custos-zt/custos/e2e/peers"
)

const (
	echoAllowed = "policy: echo\nrules:\n  - {id: echo, allow: [\"files.echo\"], unlisted_args: allow}\n"
	echoDenied  = "policy: echo\nrules:\n  - {id: no-echo, deny: [\"files.echo\"]}\n"
	// echoUntested allows, and its own test says that it must not.
	echoUntested = echoAllowed + "tests: {cases: [{name: no echo, backend: files, tool: echo, expect: {decision: deny, rule: null}}]}\n"
)

// reloading is a guard whose policy changes while it runs.
type reloading struct {
	guarded
	t      *testing.T
	policy string // path
}

func newReloading(t *testing.T) reloading {
	t.Helper()
	g := guarding{policy: echoAllowed, server: peers.Bad(t)}.start(t)
	g.Initialize("{}")
	r := reloading{g, t, filepath.Join(filepath.Dir(g.state), "policy.yaml")}
	r.echoes(true)
	return r
}

// echoes waits until a call has this outcome.
func (r reloading) echoes(allowed bool) {
	r.t.Helper()
	eventually(r.t, func() error {
		reply := parse(r.t, r.Call("echo", `{"text":"hello"}`))
		if refused := reply.refused() != ""; refused == allowed {
			return fmt.Errorf("allowed %v, want %v\n%s", !refused, allowed, r.Stderr())
		}
		return nil
	})
}

// says waits for words on standard error.
func (r reloading) says(words string) {
	r.t.Helper()
	eventually(r.t, func() error {
		if !strings.Contains(r.Stderr(), words) {
			return errors.New("it does not say " + words + ":\n" + r.Stderr())
		}
		return nil
	})
}

// replace renames another text over the policy.
func (r reloading) replace(text string) {
	r.t.Helper()
	other := write(r.t, r.policy+".new", text)
	if err := os.Rename(other, r.policy); err != nil {
		r.t.Fatal(err)
	}
}

// leads makes the policy a link, in one step.
func (r reloading) leads(to string) {
	r.t.Helper()
	if err := os.Symlink(to, r.policy+".link"); err != nil {
		r.t.Fatal(err)
	}
	if err := os.Rename(r.policy+".link", r.policy); err != nil {
		r.t.Fatal(err)
	}
}

// activations are the pairs of digests in the log, old and new.
func (r reloading) activations() [][2]string {
	r.t.Helper()
	var out [][2]string
	for line := range strings.Lines(run(r.t, 0, "--state", r.state, "audit", "export", "--kind", "policy")) {
		var record struct {
			Old string `json:"old_policy_digest"`
			New string `json:"policy_digest"`
		}
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			r.t.Fatal(err)
		}
		out = append(out, [2]string{record.Old, record.New})
	}
	return out
}

// A policy that changes while a session lives decides its next calls, and the
// log says which policy came after which.
func TestReload(t *testing.T) {
	t.Parallel()
	r := newReloading(t)
	write(t, r.policy, echoDenied)
	r.echoes(false)
	r.replace(echoAllowed)
	r.echoes(true)
	r.leads(write(t, r.policy+".v2", echoDenied))
	r.echoes(false)
	r.leads(write(t, r.policy+".v3", echoAllowed+"# again\n"))
	r.echoes(true)
	r.finish(t)
	got := r.activations()
	if len(got) != 5 || got[0][0] != "" {
		t.Fatalf("activations: %q", got)
	}
	for i := 1; i < len(got); i++ {
		if got[i][0] != got[i-1][1] || got[i][1] == got[i-1][1] {
			t.Errorf("activation %d goes from %q to %q", i, got[i-1], got[i])
		}
	}
	if text := run(t, 0, "--state", r.state, "policy", "show", got[1][1]); text != echoDenied {
		t.Errorf("the second policy is shown as %q", text)
	}
	if n := strings.Count(run(t, 0, "--state", r.state, "policy", "history"), "  reloaded "); n != 4 {
		t.Errorf("the history names %d reloads, want 4", n)
	}
	if got[0][1] != got[2][1] {
		t.Errorf("the same text has two digests: %q", got)
	}
}

// What cannot be used leaves the last good policy in force, and is said once.
func TestReloadKeepsTheLastGood(t *testing.T) {
	t.Parallel()
	r := newReloading(t)
	r.replace(echoDenied)
	r.echoes(false)
	for _, c := range []struct {
		breakIt func()
		says    string
	}{
		{func() { r.replace("policy: echo\nrules:\n  - {id: echo, alow: [\"files.echo\"]}\n") }, "policy.yaml:3:16: error: unknown key"},
		{func() { r.replace("") }, "the file holds no policy"},
		{func() { r.replace(echoAllowed[:len(echoAllowed)-4]) }, "this is not YAML"},
		{func() { r.replace(echoUntested) }, `policy.yaml:4:1: error: the test "no echo" fails`},
		{func() { r.leads(r.policy + ".nowhere") }, "no such file or directory"},
		{func() { _ = os.Remove(r.policy) }, "no such file or directory"},
	} {
		c.breakIt()
		r.says(c.says)
		r.says("the last good one stays in force")
		r.echoes(false)
	}
	before := strings.Count(r.Stderr(), "stays in force")
	r.Signal(syscall.SIGHUP) // who asks again is told again
	eventually(t, func() error {
		if now := strings.Count(r.Stderr(), "stays in force"); now != before+1 {
			return fmt.Errorf("said %d times, then %d times:\n%s", before, now, r.Stderr())
		}
		return nil
	})
	if text := run(t, 0, "--state", r.state, "status"); !strings.Contains(text, "DEGRADED  the policy changed and cannot be used") {
		t.Errorf("nothing is degraded: %s", text)
	}
	r.replace(echoAllowed)
	r.echoes(true)
	if text := run(t, 0, "--state", r.state, "status"); strings.Contains(text, "DEGRADED") {
		t.Errorf("it is still degraded: %s", text)
	}
	anomalies := 0
	for _, l := range r.finish(t) {
		if l.Kind == "anomaly" && strings.HasPrefix(l.Detail, "policy reload refused: ") {
			anomalies++
		}
	}
	if anomalies != before+1 {
		t.Errorf("%d anomalies for %d refusals", anomalies, before+1)
	}
}

// SIGHUP reads the policy again and ends nothing; a link's new end is
// protected like the first.
func TestReloadOnHangup(t *testing.T) {
	t.Parallel()
	r := newReloading(t)
	next := write(t, r.policy+".next", echoAllowed+"# moved\n")
	names := func() string { return parse(t, r.Call("echo", `{"path":"`+next+`"}`)).refused() }
	if got := names(); got != "" {
		t.Fatalf("a call may name any file: refused with %q", got)
	}
	r.leads(next)
	r.Signal(syscall.SIGHUP)
	r.says("the policy was reloaded: 1 rules")
	r.echoes(true)
	if names() == "" {
		t.Error("a call may name the policy")
	}
	if n := refusals(r.finish(t), "protected_path"); n != 1 {
		t.Errorf("%d calls were refused because of the path, want 1", n)
	}
}

// Without policy files there is nothing to read again: SIGHUP ends the session.
func TestHangupEndsWithoutFiles(t *testing.T) {
	t.Parallel()
	g := guarding{server: peers.Bad(t)}.start(t)
	g.Initialize("{}")
	g.Signal(syscall.SIGHUP)
	g.Wait()
	if lines := logLines(t, g.state); lines[len(lines)-1].Kind != "stop" {
		t.Errorf("the log ends with %+v", lines[len(lines)-1])
	}
}
