// Package e2e drives the finished program over real pipes, in front of real
// MCP servers, the way a client would.
//
// Tests of one concern stand in one file; what they share is here. Cases that
// need no Go are under testdata: see paths.txtar and frames.txtar.
package e2e

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/custos-zt/custos/e2e/client"
	"github.com/custos-zt/custos/e2e/peers"
)

// guarding says how a test starts `custos run`.
type guarding struct {
	policy string   // text of the policy; "" is the starter policy
	config string   // text of the configuration; "" is none
	name   string   // of the backend; "" is files
	server []string // the command to guard
	env    []string // further variables, as NAME=VALUE
}

// guarded is one running `custos run`.
type guarded struct {
	*client.Process
	state string
}

// command returns the state directory and the command line of a guard. Its
// files lie in a directory of their own, outside of what servers may reach.
func (g guarding) command(t *testing.T) (state string, command []string) {
	t.Helper()
	dir := t.TempDir()
	state = filepath.Join(dir, "state")
	args := []string{"--state", state}
	if g.config != "" {
		args = append(args, "--config", write(t, filepath.Join(dir, "custos.yaml"), g.config))
	}
	if g.name == "" {
		g.name = "files"
	}
	args = append(args, "run", "--name", g.name)
	if g.policy != "" {
		args = append(args, "--policy", write(t, filepath.Join(dir, "policy.yaml"), g.policy))
	}
	args = append(append(args, "--"), g.server...)
	return state, peers.Custos(t, args...)
}

// start starts a guard without shaking hands.
func (g guarding) start(t *testing.T) guarded {
	t.Helper()
	state, command := g.command(t)
	return guarded{client.Start(t, command, client.Env(alone(t, g.env)...)), state}
}

// alone returns the environment in which no configuration of the machine's
// user is found. The race detector need not wait a second at every exit.
func alone(t *testing.T, env []string) []string {
	t.Helper()
	return append([]string{"XDG_CONFIG_HOME=" + t.TempDir(), "CUSTOS_CONFIG=", "GORACE=atexit_sleep_ms=0"}, env...)
}

// finish ends the session and checks what every session owes: a clean exit
// and an intact log. It returns the records of the log.
func (g guarded) finish(t *testing.T) []logLine {
	t.Helper()
	g.CloseStdin()
	if status := g.Wait(); status != 0 {
		t.Errorf("custos run ended with status %d\n%s", status, g.Stderr())
	}
	if strings.Contains(g.Stderr(), "DATA RACE") {
		t.Errorf("a data race:\n%s", g.Stderr())
	}
	return logLines(t, g.state)
}

// logLine is what tests read of an exported record.
type logLine struct {
	Kind      string `json:"kind"`
	ID        string `json:"id"`
	RPCID     string `json:"rpc_id"`
	Method    string `json:"method"`
	Direction string `json:"direction"`
	Tool      string `json:"tool"`
	Decision  string `json:"decision"`
	Reason    string `json:"reason"`
	Rule      string `json:"rule"`
	Detail    string `json:"detail"`
	Status    string `json:"status"`
}

// logLines verifies a log and returns it.
func logLines(t *testing.T, state string) []logLine {
	t.Helper()
	run(t, 0, "--state", state, "audit", "verify")
	var out []logLine
	lines := bufio.NewScanner(strings.NewReader(run(t, 0, "--state", state, "audit", "export")))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r logLine
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("exported line %q: %v", lines.Text(), err)
		}
		out = append(out, r)
	}
	return out
}

// refusals counts the admissions that were denied for a reason.
func refusals(all []logLine, reason string) int {
	n := 0
	for _, r := range all {
		if r.Kind == "admission" && r.Decision == "deny" && r.Reason == reason {
			n++
		}
	}
	return n
}

// run runs a short command of custos and returns its standard output.
func run(t *testing.T, status int, args ...string) string {
	t.Helper()
	line := peers.Custos(t, args...)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Env = append(cmd.Environ(), alone(t, nil)...)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != status {
		t.Errorf("custos %q: status %d, want %d\n%s%s", args, got, status, stdout.String(), stderr.String())
	}
	return stdout.String()
}

// reply is what tests read of an answer.
type reply struct {
	ID     json.RawMessage `json:"id"`
	Result struct {
		Meta    denial `json:"_meta"`
		IsError bool   `json:"isError"`
		Content []struct {
			Text string `json:"text"`
		} `json:"content"`
		Tools []struct {
			Name string `json:"name"`
		} `json:"tools"`
	} `json:"result"`
	Error *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
		Data    denial `json:"data"`
	} `json:"error"`
}

type denial struct {
	DecisionID string `json:"decision_id"`
	Reason     string `json:"reason"`
}

// parse reads an answer.
func parse(t *testing.T, line string) reply {
	t.Helper()
	var r reply
	if err := json.Unmarshal([]byte(line), &r); err != nil {
		t.Fatalf("answer %q: %v", line, err)
	}
	return r
}

// refused returns the wire reason with which Custos refused, or "".
func (r reply) refused() string {
	if r.Error != nil && r.Error.Code == -32010 {
		return r.Error.Data.Reason
	}
	if r.Result.IsError && r.Result.Meta.DecisionID != "" {
		return r.Result.Meta.Reason
	}
	return ""
}

// text returns the text of a result, all blocks together.
func (r reply) text() string {
	var b strings.Builder
	for _, c := range r.Result.Content {
		b.WriteString(c.Text)
	}
	return b.String()
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// archive reads a table of testdata as its named parts.
func archive(t *testing.T, name string) map[string]string {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]string{}
	for _, f := range a.Files {
		parts[f.Name] = string(f.Data)
	}
	return parts
}

// lines returns the lines of a part that are not empty and no comment.
func lines(part string) []string {
	var out []string
	for line := range strings.Lines(part) {
		line = strings.TrimRight(line, "\n")
		if line != "" && !strings.HasPrefix(line, "# ") {
			out = append(out, line)
		}
	}
	return out
}
