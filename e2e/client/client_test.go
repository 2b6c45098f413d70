package client_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/custos-zt/custos/e2e/client"
	"github.com/custos-zt/custos/e2e/peers"
)

// The fixtures must really misbehave, or the tests that use them prove nothing.
func TestBadServer(t *testing.T) {
	const call = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"`
	for _, tc := range []struct {
		name   string
		flags  []string
		send   string
		lines  []string // what comes back, in full, until stdout ends
		status int
	}{
		{"echo", nil, call + `echo","arguments":{"message":"é"}}}`, []string{`{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"é"}]}}`}, 0},
		{"die", nil, call + `die","arguments":{"code":7}}}`, nil, 7},
		{"half", nil, call + `half","arguments":{"code":3}}}`, []string{`{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"te`}, 3},
		{"exit", []string{"-exit", "4"}, "", nil, 4},
		{"silent", []string{"-silent"}, call + `echo"}}`, nil, 0},
		{"bytes", nil, call + `flood","arguments":{"kind":"bytes","count":5000}}}`, []string{strings.Repeat("x", 5000), `{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"flooded"}]}}`}, 0},
		{"replies", nil, call + `flood","arguments":{"kind":"replies","count":1}}}`, []string{`{"jsonrpc":"2.0","id":1000000,"result":{"content":[]}}`, `{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"flooded"}]}}`}, 0},
		{"twice", nil, call + `twice"}}`, []string{`{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"first"}]}}`, `{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"second"}]}}`}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := client.Start(t, peers.Bad(t, tc.flags...))
			if tc.send != "" {
				p.Send(tc.send)
				p.CloseStdin()
			}
			var lines []string
			for line, ok := p.Line(); ok; line, ok = p.Line() {
				lines = append(lines, line)
			}
			if diff := cmp.Diff(tc.lines, lines); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
			if got := p.Wait(); got != tc.status {
				t.Errorf("status %d, want %d", got, tc.status)
			}
		})
	}
}

func TestBadServerKeepsAJournal(t *testing.T) {
	dir := t.TempDir()
	journal, seen := filepath.Join(dir, "journal"), filepath.Join(dir, "seen")
	p := client.Start(t, peers.Bad(t, "-journal", journal, "-seen", seen))
	p.Send("not json")
	p.Call("echo", `{"message":"a"}`)
	p.Signal(syscall.SIGKILL)
	if got := p.Wait(); got != -int(syscall.SIGKILL) {
		t.Errorf("status %d", got)
	}
	for path, want := range map[string]string{
		journal: "1\techo\t{\"message\":\"a\"}\n",
		seen:    "not json\n" + `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"message":"a"}}}` + "\n",
	} {
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", filepath.Base(path), diff)
		}
	}
}

// A stubborn server and its grandchild end for SIGKILL alone.
func TestBadServerIsStubborn(t *testing.T) {
	p := client.Start(t, peers.Bad(t, "-stubborn"))
	reply := p.Call("fork", `{}`)
	_, after, _ := strings.Cut(reply, `"text":"`)
	grandchild, err := strconv.Atoi(after[:strings.Index(after, `"`)])
	if err != nil {
		t.Fatalf("no process id in %s", reply)
	}
	p.CloseStdin()
	p.Signal(syscall.SIGTERM)
	if err := syscall.Kill(grandchild, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.Quiet(200 * time.Millisecond) // stdout stays open and silent
	for _, pid := range []int{p.PID(), grandchild} {
		if err := syscall.Kill(pid, 0); err != nil {
			t.Errorf("process %d: %v", pid, err)
		}
	}
	if err := syscall.Kill(grandchild, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.Signal(syscall.SIGKILL)
	p.Wait()
}

func TestBadServerAsksTheClient(t *testing.T) {
	p := client.Start(t, peers.Bad(t))
	id := p.Post("tools/call", `{"name":"ask","arguments":{"method":"roots/list"}}`)
	line, _ := p.Line()
	asked, rest, _ := strings.Cut(strings.TrimPrefix(line, `{"jsonrpc":"2.0","id":`), ",")
	if rest != `"method":"roots/list","params":{}}` {
		t.Fatalf("asked %s", line)
	}
	p.Send(`{"jsonrpc":"2.0","id":` + asked + `,"result":{"roots":[]}}`)
	if reply, _ := p.Reply(id); !strings.Contains(reply, `\"roots\":[]`) {
		t.Errorf("reply %s", reply)
	}
}

// The SDK's conformance server speaks the stateless era over stdio: discovery,
// input_required answered by a retry, progress.
func TestModernPeer(t *testing.T) {
	c := client.Connect(t, peers.Modern(t), client.Settings{})
	if got := c.InitializeResult().ProtocolVersion; got != "2026-07-28" {
		t.Fatalf("revision %s", got)
	}
	text, isError := c.Text(t, "test_input_required_result_elicitation", nil)
	if isError || !strings.Contains(text, "Ada") {
		t.Errorf("elicited call answered %q, error %v", text, isError)
	}
	params := &mcp.CallToolParams{Name: "test_tool_with_progress"}
	params.SetProgressToken("p")
	if _, err := c.CallTool(t.Context(), params); err != nil {
		t.Fatal(err)
	}
	methods := map[string]int{}
	for _, e := range c.Events() {
		methods[e.Method]++
	}
	if diff := cmp.Diff(map[string]int{"elicitation/create": 1, "notifications/progress": 3}, methods); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestStatefulPeers(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.txt"), []byte("words"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name    string
		command []string
		env     []string
		tool    string
		args    map[string]any
		want    string
	}{
		{"filesystem", peers.Filesystem(t, dir), nil, "read_text_file", map[string]any{"path": filepath.Join(dir, "a.txt")}, "words"},
		{"everything", peers.Everything(t), nil, "echo", map[string]any{"message": "hi"}, "Echo: hi"},
		{"memory", peers.Memory(t), []string{"MEMORY_FILE_PATH=" + filepath.Join(dir, "m.jsonl")}, "read_graph", nil, "entities"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := client.Connect(t, tc.command, client.Settings{Version: "2025-11-25", Roots: []string{"file://" + dir}, Env: tc.env})
			text, isError := c.Text(t, tc.tool, tc.args)
			if isError || !strings.Contains(text, tc.want) {
				t.Errorf("%s answered %q, error %v", tc.tool, text, isError)
			}
		})
	}
}
