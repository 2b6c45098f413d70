package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/custos-zt/custos/e2e/client"
	"github.com/custos-zt/custos/e2e/peers"
)

// openPolicy allows everything but one tool, so that what is denied is denied
// because something failed.
const openPolicy = `policy: failures
version: "1"
defaults: {unlisted_args: allow}
rules:
  - id: forbidden
    deny: ["backend.forbidden"]
  - id: everything
    allow: ["*.*", "resource:*.**", "prompt:*.*", "method:**"]
`

// lab holds the programs that the failure tests start: Custos as the test is
// built, and without the race detector, to read logs with and to measure.
type lab struct{ custos, plain, bad string }

func newLab(t *testing.T) lab {
	t.Helper()
	return lab{custos: peers.Custos(t)[0], plain: peers.CustosPlain(t)[0], bad: peers.Bad(t)[0]}
}

// setup says how to guard a backend; its zero value guards a well-behaved
// badserver over a state directory of its own.
type setup struct {
	state   string   // the state directory
	flags   []string // further flags of badserver
	command []string // the backend instead of badserver
	wrap    []string // a program, with arguments, that runs Custos
}

// session is one `custos run` and what a test has to know to judge its end.
type session struct {
	*client.Process
	t       *testing.T
	lab     lab
	state   string
	journal string
	mark    string
}

// guard starts Custos in front of a backend. Everything that is started below
// it carries a mark in its environment, by which it can be found wherever it
// has fled to.
func (l lab) guard(t *testing.T, s setup) *session {
	t.Helper()
	dir := t.TempDir()
	if s.state == "" {
		s.state = filepath.Join(dir, "state")
	}
	g := &session{
		t: t, lab: l, state: s.state, journal: filepath.Join(dir, "journal"),
		mark: "CUSTOS_E2E=" + dir,
	}
	if s.command == nil {
		s.command = append([]string{l.bad, "-journal", g.journal, "-tools", "forbidden"}, s.flags...)
	}
	policy := write(t, filepath.Join(dir, "policy.yaml"), openPolicy)
	command := append([]string{}, s.wrap...)
	command = append(command, l.custos, "run", "--state", s.state, "--policy", policy, "--")
	command = append(command, s.command...)
	g.Process = client.Start(t, command, client.Env(noPause(alone(t, []string{g.mark}))...))
	return g
}

// noPause keeps the race detector from waiting a second at every exit.
func noPause(env []string) []string { return append(env, "GORACE=atexit_sleep_ms=0") }

// custosCommand runs a reading command to its end.
func (l lab) custosCommand(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := exec.Command(l.plain, args...)
	cmd.Env = append(cmd.Environ(), alone(t, nil)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatalf("custos %v: %v", args, err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// verified fails the test unless the log is intact, and returns what verify
// said.
func (l lab) verified(t *testing.T, state string) string {
	t.Helper()
	out, errs, status := l.custosCommand(t, "audit", "verify", "--state", state)
	if status != 0 {
		t.Errorf("audit verify: status %d\n%s%s", status, out, errs)
	}
	return out
}

// entry is what these tests read of an exported record.
type entry struct {
	Kind      string
	Slot      int
	Seq       uint64
	RPCID     string `json:"rpc_id"`
	Session   string
	Method    string
	Tool      string
	Decision  string
	Reason    string
	OneWay    bool `json:"one_way"`
	Admission uint64
	Status    string
	Detail    string
}

// records exports the log.
func (l lab) records(t *testing.T, state string) []entry {
	t.Helper()
	out, errs, status := l.custosCommand(t, "audit", "export", "--state", state)
	if status != 0 {
		t.Fatalf("audit export: status %d\n%s", status, errs)
	}
	var list []entry
	for line := range strings.Lines(out) {
		var e entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("exported line %q: %v", line, err)
		}
		list = append(list, e)
	}
	return list
}

// outcomes returns how the calls of a tool ended, in the order of their
// admissions; one without an outcome, or with two, fails the test.
func (l lab) outcomes(t *testing.T, state, tool string) []string {
	t.Helper()
	type key struct {
		slot int
		seq  uint64
	}
	list := l.records(t, state)
	ends := map[key][]string{}
	for _, r := range list {
		if r.Kind == "outcome" || r.Kind == "outcome_unknown" {
			k := key{r.Slot, r.Admission}
			ends[k] = append(ends[k], r.Status)
		}
	}
	var out []string
	for _, r := range list {
		if r.Kind != "admission" || r.Decision != "allow" || r.OneWay {
			continue
		}
		end := ends[key{r.Slot, r.Seq}]
		if len(end) != 1 {
			t.Errorf("admission %d:%d (%s %s) has outcomes %q, want one", r.Slot, r.Seq, r.Method, r.Tool, end)
			continue
		}
		if r.Tool == tool {
			out = append(out, end[0])
		}
	}
	return out
}

// over waits for the end of a session and checks what every end has to leave:
// this status, no process, an intact log in which every admission has an
// outcome, and no flood on stderr.
func (g *session) over(status int) {
	g.t.Helper()
	below := descendants(g.PID())
	if got := g.Wait(); got != status {
		g.t.Errorf("status %d, want %d", got, status)
	}
	g.gone(below)
	g.lab.verified(g.t, g.state)
	g.lab.outcomes(g.t, g.state, "")
	g.quiet()
}

// gone fails the test where a process below Custos is left, as a zombie too.
func (g *session) gone(below []int) {
	g.t.Helper()
	for _, pid := range below {
		client.Gone(g.t, pid)
	}
	g.nobody()
}

// quiet fails the test where more was said on stderr than a person reads.
func (g *session) quiet() {
	g.t.Helper()
	if strings.Contains(g.Stderr(), "DATA RACE") {
		g.t.Errorf("a data race:\n%s", g.Stderr())
	}
	if errs := g.Stderr(); len(errs) > 16<<10 || strings.Count(errs, "\n") > 60 {
		g.t.Errorf("stderr has %d lines, %d bytes; it begins\n%.2000s", strings.Count(errs, "\n"), len(errs), errs)
	}
}

// says waits until stderr holds text.
func (g *session) says(text string) {
	g.t.Helper()
	eventually(g.t, func() error {
		if strings.Contains(g.Stderr(), text) {
			return nil
		}
		return fmt.Errorf("stderr does not say %q:\n%s", text, g.Stderr())
	})
}

// nobody waits until no process carries the mark.
func (g *session) nobody() {
	g.t.Helper()
	eventually(g.t, func() error {
		if left := marked(g.mark); len(left) > 0 {
			return fmt.Errorf("processes are left: %q", left)
		}
		return nil
	})
}

// executed returns the ids of the calls that the backend executed, as JSON
// text.
func (g *session) executed() []string {
	g.t.Helper()
	b, err := os.ReadFile(g.journal)
	if err != nil && !os.IsNotExist(err) {
		g.t.Fatal(err)
	}
	var ids []string
	for line := range strings.Lines(string(b)) {
		if !strings.HasSuffix(line, "\n") {
			continue // the write that the kill cut short: it was not executed
		}
		id, _, _ := strings.Cut(line, "\t")
		ids = append(ids, id)
	}
	return ids
}

// unavailable fails the test unless a reply is Custos's own refusal because
// something does not work.
func unavailable(t *testing.T, reply string) {
	t.Helper()
	if got := parse(t, reply).refused(); got != "unavailable" {
		t.Errorf("want a refusal with reason unavailable, got %.500s", reply)
	}
}

// eventually waits until check has no complaint any more.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(client.Patience); ; {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("after %v: %v", client.Patience, err)
		}
	}
}

// descendants lists the processes below pid.
func descendants(pid int) []int {
	var all []int
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, path := range tasks {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // the thread ended meanwhile
		}
		for _, field := range strings.Fields(string(b)) {
			if child, err := strconv.Atoi(field); err == nil {
				all = append(append(all, child), descendants(child)...)
			}
		}
	}
	return all
}

// marked lists the processes with this variable in their environment.
func marked(mark string) []string {
	var left []string
	entries, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range entries {
		env, err := os.ReadFile(path)
		if err == nil && bytes.Contains(append([]byte{0}, env...), []byte("\x00"+mark+"\x00")) {
			line, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
			left = append(left, filepath.Base(filepath.Dir(path))+" "+string(bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
		}
	}
	return left
}

// procStatus reads one field of /proc/PID/status, "" where there is none.
func procStatus(pid int, field string) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
