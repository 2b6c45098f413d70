package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/custos-zt/custos/e2e/client"
	"github.com/custos-zt/custos/e2e/peers"
)

// pathCase is one line of testdata/paths.txtar, which explains it.
type pathCase struct {
	Why    string          `json:"why"`
	Tool   string          `json:"tool"`
	Path   *string         `json:"path"`
	Args   json.RawMessage `json:"args"`
	Text   string          `json:"text"`
	Direct string          `json:"direct"`
	Only   string          `json:"only"`
}

// words is in every file of the tree, treasure in every file that is secret.
const (
	words    = "words"
	treasure = "treasure-7c1e"
)

func pathCases(t *testing.T, part, root string) []pathCase {
	t.Helper()
	var out []pathCase
	for _, line := range lines(strings.ReplaceAll(part, "ROOT", root)) {
		c := pathCase{Tool: "read_text_file", Text: words}
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&c); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if c.Args == nil {
			args, err := json.Marshal(map[string]*string{"path": c.Path})
			if err != nil {
				t.Fatal(err)
			}
			c.Args = args
		}
		out = append(out, c)
	}
	return out
}

// plant builds the tree and returns its root as the kernel names it.
func plant(t *testing.T, tree string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines(strings.ReplaceAll(tree, "ROOT", root)) {
		name, target, link := strings.Cut(line, " -> ")
		if strings.HasPrefix(name, `"`) {
			if err := json.Unmarshal([]byte(name), &name); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
		}
		full := filepath.Join(root, name)
		text := words + " in " + filepath.Base(name)
		if top, _, _ := strings.Cut(name, "/"); top != "pub" {
			text = treasure
		}
		switch {
		case link:
			if err = os.MkdirAll(filepath.Dir(full), 0o755); err == nil {
				err = os.Symlink(target, full)
			}
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(full, 0o755)
		default:
			write(t, full, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// Every variant of a denied path is refused under a policy that grants and
// under one that restricts; ordinary names pass under both.
func TestPathsInFrontOfTheFileServer(t *testing.T) {
	for _, policy := range []string{"grant", "restrict"} {
		t.Run(policy, func(t *testing.T) {
			parts := archive(t, "paths.txtar")
			root := plant(t, parts["tree"])
			g := guarding{
				policy: strings.ReplaceAll(parts[policy], "ROOT", root),
				server: peers.Filesystem(t, root), env: []string{"HOME=" + root},
			}.start(t)
			g.Initialize("")
			asked := 0
			for _, c := range pathCases(t, parts["denied"], root) {
				if c.Only != "" && c.Only != policy {
					continue
				}
				asked++
				line := g.Call(c.Tool, string(c.Args))
				if got := parse(t, line).refused(); got != "denied" && got != "invalid" {
					t.Errorf("%s: %s %s answered %.300s", c.Why, c.Tool, c.Args, line)
				}
				if strings.Contains(line, treasure) {
					t.Errorf("%s: the secret came out", c.Why)
				}
			}
			for _, c := range pathCases(t, parts["allowed"], root) {
				line := g.Call(c.Tool, string(c.Args))
				if got := parse(t, line); got.Result.IsError || got.Error != nil || !strings.Contains(got.text(), c.Text) {
					t.Errorf("%s: %s %s answered %.300s", c.Why, c.Tool, c.Args, line)
				}
			}
			denied := 0
			for _, r := range g.finish(t) {
				if r.Method == "tools/call" && r.Decision == "deny" {
					denied++
				}
			}
			if denied != asked {
				t.Errorf("%d denials in the log, want %d", denied, asked)
			}
			untouched(t, root)
		})
	}
}

// untouched checks that nothing was written to, or taken from, what is secret.
func untouched(t *testing.T, root string) {
	t.Helper()
	for dir, want := range map[string]string{
		"secret": "a hello.txt key.txt out", "secret/a": "b", "secret/a/b": "key.txt", "privé": "key.txt",
	} {
		found, err := os.ReadDir(filepath.Join(root, dir))
		if err != nil {
			t.Error(err)
			continue
		}
		var names []string
		for _, e := range found {
			names = append(names, e.Name())
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s holds %q, want %q", dir, got, want)
		}
	}
}

// The cases marked so are real: without Custos the server gives the secret
// away. A case that stopped to be real would prove nothing.
func TestTheFileServerAloneGivesSecretsAway(t *testing.T) {
	parts := archive(t, "paths.txtar")
	root := plant(t, parts["tree"])
	p := client.Start(t, peers.Filesystem(t, root), client.Env("HOME="+root), client.Dir(root))
	p.Initialize("")
	real := 0
	for _, c := range pathCases(t, parts["denied"], root) {
		if c.Direct != "opens" {
			continue
		}
		real++
		if line := p.Call(c.Tool, string(c.Args)); !strings.Contains(line, treasure) {
			t.Errorf("%s: %s %s does not open it: %.200s", c.Why, c.Tool, c.Args, line)
		}
	}
	if real < 20 {
		t.Errorf("only %d cases are real", real)
	}
}
