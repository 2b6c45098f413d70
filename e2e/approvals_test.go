package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/custos-zt/custos/e2e/client"
	"github.com/custos-zt/custos/e2e/peers"
)

const asks = `policy: asks
rules:
  - {id: asked, approve: ["server.echo", "server.test_simple_text"], unlisted_args: allow}
`

// office is a state directory with a policy that asks about some tools, and a
// configuration that waits so long.
type office struct {
	t                     *testing.T
	state, policy, config string
}

func newOffice(t *testing.T, policy, wait string) *office {
	t.Helper()
	dir := t.TempDir()
	l := &office{t, filepath.Join(dir, "state"), filepath.Join(dir, "policy.yaml"), filepath.Join(dir, "custos.yaml")}
	for name, text := range map[string]string{l.policy: policy, l.config: "approvals: {wait: " + wait + "}\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// configure adds to the configuration.
func (l *office) configure(text string) {
	l.t.Helper()
	before, err := os.ReadFile(l.config)
	if err == nil {
		err = os.WriteFile(l.config, append(before, text...), 0o600)
	}
	if err != nil {
		l.t.Fatal(err)
	}
}

// guarding is the command line that guards a server.
func (l *office) guarding(server []string) []string {
	return append(peers.Custos(l.t, "--state", l.state, "--config", l.config, "run", "--policy", l.policy, "--name", "server", "--"), server...)
}

// approvals runs `custos approvals`.
func (l *office) approvals(args ...string) (string, error) {
	line := peers.Custos(l.t, append([]string{"--state", l.state, "--config", l.config, "approvals"}, args...)...)
	out, err := exec.Command(line[0], line[1:]...).CombinedOutput()
	return string(out), err
}

// open waits until so many calls are held, and returns their ids.
func (l *office) open(n int) []string {
	l.t.Helper()
	ids := make([]string, n)
	for i, v := range l.held(n) {
		ids[i] = v.ID
	}
	return ids
}

// held waits until so many calls are held, and returns them.
func (l *office) held(n int) []waiting {
	l.t.Helper()
	for deadline := time.Now().Add(client.Patience); ; time.Sleep(50 * time.Millisecond) {
		list, err := l.tryList()
		if err == nil && len(list) == n {
			return list
		}
		if time.Now().After(deadline) {
			l.t.Fatalf("%d calls are not held: %+v, %v", n, list, err)
		}
	}
}

func echo(message string) *mcp.CallToolParams {
	return &mcp.CallToolParams{Name: "echo", Arguments: map[string]any{"message": message}}
}

// Ten guards on one state directory: every held call is listed, an answer
// reaches the right one, and a grant is used once, by whoever repeats the call.
func TestTenGuardsOneDesk(t *testing.T) {
	t.Parallel()
	const guards = 10
	l := newOffice(t, asks, "5m, open: 10")
	var all sync.WaitGroup
	sdks, texts := make([]*client.SDK, guards), make([]string, guards)
	for i := range guards {
		sdks[i] = client.Connect(t, l.guarding(peers.Bad(t)), client.Settings{Version: "2025-11-25", NoForms: true})
		all.Go(func() {
			r, err := sdks[i].CallTool(t.Context(), echo(letter(i)))
			if err != nil {
				t.Error(err)
				return
			}
			texts[i] = said(r)
		})
	}
	want := map[string]string{} // by what is held, and every second one is refused
	for n, v := range l.held(guards) {
		if len(v.Arguments) != 1 {
			t.Fatalf("%+v", v)
		}
		held := strings.Trim(v.Arguments[0].Value, `"`)
		verb, text := "allow", held
		if n%2 == 1 {
			verb, text = "deny", "Custos denied server.echo: a person refused this call."
		}
		want[held] = text
		if out, err := l.approvals(verb, v.ID); err != nil {
			t.Errorf("%s: %v", out, err)
		}
	}
	all.Wait()
	for i, text := range texts {
		if w := want[letter(i)]; w == "" || !strings.HasPrefix(text, w) {
			t.Errorf("call %s: %q, want %q", letter(i), text, w)
		}
	}
	l.oneOf(sdks)
}

func letter(i int) string { return string(rune('A' + i)) }

// waiting is one call of `custos approvals list --json`.
type waiting struct {
	ID        string
	State     string
	Arguments []struct{ Name, Value string }
}

// list is `custos approvals list --json`.
func (l *office) list() []waiting {
	l.t.Helper()
	list, err := l.tryList()
	if err != nil {
		l.t.Fatal(err)
	}
	return list
}

func (l *office) tryList() ([]waiting, error) {
	out, err := l.approvals("list", "--json")
	var list []waiting
	if err = errors.Join(err, json.Unmarshal([]byte(out), &list)); err != nil {
		return nil, fmt.Errorf("%s: %w", out, err)
	}
	return list, nil
}

// said returns the text of a result that is one text.
func said(r *mcp.CallToolResult) string {
	if len(r.Content) != 1 {
		return ""
	}
	text, ok := r.Content[0].(*mcp.TextContent)
	if !ok {
		return ""
	}
	return text.Text
}

// oneOf has all clients make the same call at once, allows it once, and expects
// one echo.
func (l *office) oneOf(sdks []*client.SDK) {
	t := l.t
	t.Helper()
	var all sync.WaitGroup
	var mu sync.Mutex
	echoed := 0
	for _, sdk := range sdks {
		all.Go(func() {
			r, err := sdk.CallTool(t.Context(), echo("Grace"))
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if said(r) == "Grace" {
				echoed++
			}
		})
	}
	first := l.open(1)[0]
	if out, err := l.approvals("allow", first); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	// The others ask anew, together; a refusal ends all of them.
	second := l.open(1)[0]
	if out, err := l.approvals("deny", second); err != nil || second == first {
		t.Fatalf("%s: %v", out, err)
	}
	all.Wait()
	if echoed != 1 {
		t.Errorf("one grant let %d calls pass", echoed)
	}
}
