package e2e

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/custos-zt/custos/e2e/client"
	"github.com/custos-zt/custos/e2e/peers"
)

// everywhere allows reads anywhere: what is out of reach then is so because
// the server was never given it.
const everywhere = `policy: everywhere
tools: {files: {known: server-filesystem}}
rules:
  - {id: reads, allow: ["files.*"], ops: [read, list], paths: {all: ["/**"], none: match}}
`

// rooted allows replies that name directories in ROOT.
const rooted = everywhere + `  - {id: roots, allow: ["method:roots/list"], paths: {all: ["ROOT/**"]}}
`

// The file server replaces its directories by the roots that a client sends.
// The reply of a client must not widen what the server was given.
func TestRootsCannotWiden(t *testing.T) {
	given, other := pubAndSecret(t), pubAndSecret(t)
	for _, c := range []struct {
		name, policy string
		roots        []string
		denied       bool
		reach        string // a directory that the server serves afterwards
		beyond       string // one that it does not serve
	}{
		{"no rule lets roots pass", everywhere, []string{"file://" + other}, true, given, other},
		{"a rule for other roots", rooted, []string{"file://" + other}, true, given, other},
		{"one of two roots is beyond", rooted, []string{"file://" + given + "/pub", "file://" + other}, true, given, other},
		{"the root is above", rooted, []string{"file:///"}, true, given, other},
		{"an escaped way out", rooted, []string{"file://" + given + "/%2e%2e/" + other[strings.LastIndex(other, "/")+1:]}, true, given, other},
		{"a plain path", rooted, []string{other}, true, given, other},
		{"a narrower root passes", rooted, []string{"file://" + given + "/pub"}, false, given + "/pub", given + "/secret/a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := guarding{policy: strings.ReplaceAll(c.policy, "ROOT", given), server: peers.Filesystem(t, given)}.start(t)
			g.Initialize(`{"roots":{"listChanged":true}}`)
			rootsReply(t, g, c.roots...)
			served(t, g, c.reach, c.beyond)
			// The client says that its roots changed, and tries again.
			g.Send(`{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}`)
			rootsReply(t, g, c.roots...)
			served(t, g, c.reach, c.beyond)
			denials := 0
			for _, r := range g.finish(t) {
				if r.Method == "roots/list" && r.Direction == "reply" && r.Decision == "deny" {
					denials++
				}
			}
			if c.denied && denials != 2 || !c.denied && denials != 0 {
				t.Errorf("%d denied replies in the log", denials)
			}
			complained := strings.Contains(g.Stderr(), "roots from client: MCP error -32010: Custos denied roots/list")
			if complained != c.denied {
				t.Errorf("the server was told of a denial: %v, want %v\n%s", complained, c.denied, g.Stderr())
			}
		})
	}
}

// served waits until the server serves one directory, and checks that it does
// not serve the other, although the policy allows to read both.
func served(t *testing.T, g guarded, reach, beyond string) {
	t.Helper()
	for deadline := time.Now().Add(client.Patience); ; {
		line := g.Call("list_allowed_directories", "{}")
		text := parse(t, line).text()
		if strings.TrimPrefix(text, "Allowed directories:\n") == reach {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server serves %s, want %s", text, reach)
		}
	}
	line := g.Call("list_directory", `{"path":"`+beyond+`"}`)
	if r := parse(t, line); r.refused() != "" || !r.Result.IsError || !strings.Contains(r.text(), "Access denied") {
		t.Errorf("%s answered %s", beyond, line)
	}
}

// Without Custos the same reply takes the server wherever the client likes:
// the test above is about something real.
func TestRootsWidenTheServerAlone(t *testing.T) {
	given, other := pubAndSecret(t), pubAndSecret(t)
	g := guarded{Process: client.Start(t, peers.Filesystem(t, given))}
	g.Initialize(`{"roots":{"listChanged":true}}`)
	rootsReply(t, g, "file://"+other)
	served(t, g, other, given)
}

// rootsReply waits for the server to ask for roots, and answers.
func rootsReply(t *testing.T, g guarded, uris ...string) {
	t.Helper()
	type root struct {
		URI string `json:"uri"`
	}
	list := []root{}
	for _, u := range uris {
		list = append(list, root{u})
	}
	roots, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	for {
		line, ok := g.Line()
		if !ok {
			t.Fatal("the server asked for no roots")
		}
		var q struct {
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
		}
		if json.Unmarshal([]byte(line), &q) == nil && q.Method == "roots/list" {
			g.Send(`{"jsonrpc":"2.0","id":` + string(q.ID) + `,"result":{"roots":` + string(roots) + `}}`)
			return
		}
	}
}
