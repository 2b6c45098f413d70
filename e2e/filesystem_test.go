package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/e2e/client"
	"github.com/custos-zt/custos/e2e/peers"
)

// readers is a policy of reads in pub.
const readers = `policy: readers
tools: {files: {known: server-filesystem}}
rules:
  - id: reads
    allow: ["files.*"]
    ops: [read, list]
    paths: {all: ["ROOT/pub/**"], none: match}
`

// pubAndSecret makes a small tree and returns its root.
func pubAndSecret(t *testing.T) string {
	t.Helper()
	return plant(t, "pub/hello.txt\nsecret/a/key.txt\n")
}

// readersOf guards the real file server over root with the policy of readers.
func readersOf(t *testing.T, root string) guarding {
	t.Helper()
	return guarding{policy: strings.ReplaceAll(readers, "ROOT", root), server: peers.Filesystem(t, root)}
}

// A client built on the official SDK sees a server that works, less what the
// policy denies.
func TestTheSDKThroughTheGuard(t *testing.T) {
	root := pubAndSecret(t)
	state, command := readersOf(t, root).command(t)
	c := client.Connect(t, command, client.Settings{Version: "2025-11-25", Env: alone(t, nil)})
	text, isError := c.Text(t, "read_text_file", map[string]any{"path": root + "/pub/hello.txt"})
	if isError || text != "words in hello.txt" {
		t.Errorf("an allowed read answered %q, error %v", text, isError)
	}
	text, isError = c.Text(t, "read_text_file", map[string]any{"path": root + "/secret/a/key.txt"})
	if !isError || !strings.HasPrefix(text, "Custos denied files.read_text_file: ") || !strings.HasSuffix(text, "]") {
		t.Errorf("a denied read answered %q, error %v", text, isError)
	}
	list, err := c.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range list.Tools {
		names = append(names, tool.Name)
	}
	want := []string{
		"directory_tree", "get_file_info", "list_allowed_directories", "list_directory", "list_directory_with_sizes",
		"read_file", "read_media_file", "read_multiple_files", "read_text_file", "search_files",
	}
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(names))); diff != "" {
		t.Errorf("listed tools (-want +got):\n%s", diff)
	}
	if err := c.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	all := logLines(t, state)
	if got := refusals(all, "default_denied"); got != 1 {
		t.Errorf("%d refusals in the log, want 1", got)
	}
}

// The path secret/a/%2e%2e/%2e%2e/pub/new is pub/new to who decodes it. This
// server does not, and creates it under secret: shown first without Custos.
func TestEscapedDotsLandWhereTheServerPutsThem(t *testing.T) {
	root := pubAndSecret(t)
	args := func(rest string) string { return `{"path":"` + root + rest + `"}` }
	const path = "/secret/a/%2e%2e/%2e%2e/pub/new"
	landed := filepath.Join(root, path)

	p := client.Start(t, peers.Filesystem(t, root))
	p.Initialize("")
	p.Call("create_directory", args(path))
	if _, err := os.Stat(landed); err != nil {
		t.Fatalf("the server no longer does what this test is about: %v", err)
	}
	if _, err := os.Stat(root + "/pub/new"); err == nil {
		t.Fatal("the server decodes escapes: this test needs another server")
	}
	if err := os.RemoveAll(filepath.Join(root, "secret/a/%2e%2e")); err != nil {
		t.Fatal(err)
	}

	for name, policy := range map[string]string{
		"an allow for pub": "allow: [\"files.*\"]\n    paths: {all: [\"ROOT/pub/**\"]}",
		// The other way round: who may write below secret may not, by that, write
		// to pub/new.
		"an allow for secret": "allow: [\"files.*\"]\n    paths: {all: [\"ROOT/secret/**\"]}",
	} {
		t.Run(name, func(t *testing.T) {
			text := "policy: p\ntools: {files: {known: server-filesystem}}\nrules:\n  - id: r\n    " + policy + "\n"
			g := guarding{policy: strings.ReplaceAll(text, "ROOT", root), server: peers.Filesystem(t, root)}.start(t)
			g.Initialize("")
			if line := g.Call("create_directory", args(path)); parse(t, line).refused() != "denied" {
				t.Errorf("answered %s", line)
			}
			g.finish(t)
			if _, err := os.Stat(landed); err == nil {
				t.Error("it was created")
			}
		})
	}
}

// A call that comes before any list is judged all the same: Custos asks the
// server for its tools first.
func TestACallBeforeAnyList(t *testing.T) {
	root := pubAndSecret(t)
	g := readersOf(t, root).start(t)
	g.Initialize("")
	if line := g.Call("read_text_file", `{"path":"`+root+`/pub/hello.txt"}`); parse(t, line).text() != "words in hello.txt" {
		t.Errorf("answered %s", line)
	}
	if line := g.Call("write_file", `{"path":"`+root+`/pub/x","content":""}`); parse(t, line).refused() != "not_available" {
		t.Errorf("a hidden tool answered %s", line)
	}
	g.finish(t)
}

// A tool that is hidden and a tool that does not exist answer alike, in both
// forms of a denial, before and after a list; so nobody learns what is hidden.
func TestHiddenAndAbsentAnswerAlike(t *testing.T) {
	root := pubAndSecret(t)
	for _, config := range []string{"", "version: 1\ndenials: error\n"} {
		guard := readersOf(t, root)
		guard.config = config
		g := guard.start(t)
		g.Initialize("")
		for range 2 {
			var answers []string
			for _, tool := range []string{"move_file", "mope_file"} {
				line := g.Call(tool, `{"source":"`+root+`/pub/hello.txt","destination":"`+root+`/secret/x"}`)
				r := parse(t, line)
				if (r.Error != nil) != (config != "") {
					t.Errorf("with %q: %s", config, line)
				}
				if r.refused() != "not_available" {
					t.Errorf("%s answered %s", tool, line)
				}
				id := r.Result.Meta.DecisionID
				if r.Error != nil {
					id = r.Error.Data.DecisionID
				}
				answers = append(answers, strings.NewReplacer(`"id":`+string(r.ID), `"id":ID`, id, "d_ID", tool, "TOOL").Replace(line))
			}
			if answers[0] != answers[1] {
				t.Errorf("hidden: %s\nabsent: %s", answers[0], answers[1])
			}
			g.Request("tools/list", "{}") // and once more
		}
		if got := refusals(g.finish(t), "tool_unknown"); got != 2 {
			t.Errorf("%d refusals of an unknown tool in the log, want 2", got)
		}
	}
}

// The configuration says in which form a denied call is answered.
func TestTheFormOfADenial(t *testing.T) {
	root := pubAndSecret(t)
	for config, form := range map[string]string{
		"": "result", "version: 1\ndenials: result\n": "result", "version: 1\ndenials: error\n": "error",
	} {
		guard := readersOf(t, root)
		guard.config = config
		g := guard.start(t)
		g.Initialize("")
		line := g.Call("read_text_file", `{"path":"`+root+`/secret/a/key.txt"}`)
		r := parse(t, line)
		switch {
		case form == "result" && (r.Error != nil || !r.Result.IsError || len(r.Result.Content) != 1 || r.Result.Meta.Reason != "denied"):
			t.Errorf("with %q: %s", config, line)
		case form == "error" && (r.Error == nil || r.Error.Code != -32010 || r.Error.Data.Reason != "denied"):
			t.Errorf("with %q: %s", config, line)
		}
		id := r.Result.Meta.DecisionID
		if r.Error != nil {
			id = r.Error.Data.DecisionID
		}
		g.finish(t)
		if out := run(t, 0, "--state", g.state, "why", id); !strings.Contains(out, id+"  DENIED  files.read_text_file") {
			t.Errorf("custos why %s says:\n%s", id, out)
		}
	}
}

// A tool nobody ships a description for: what is nested deep in its arguments
// is judged by declaration and by common names, and what is denied is not run.
func TestNestedPathArguments(t *testing.T) {
	journal := filepath.Join(t.TempDir(), "journal")
	g := guarding{
		policy: `policy: nested
tools: {files.copy: {ops: [copy], paths: {spec.items.origin: local, spec.items.target.where: local}}}
rules:
  - {id: pub, allow: ["files.copy", "files.note"], paths: {all: ["/srv/pub/**"], none: match}, unlisted_args: allow}
  - {id: secret, deny: ["*"], paths: ["/srv/secret/**"]}
`,
		server: peers.Bad(t, "-tools", "copy,note", "-journal", journal),
	}.start(t)
	g.Initialize("")
	passed := 0
	for _, c := range []struct {
		tool, args string
		allowed    bool
	}{
		{"copy", `{"spec":{"items":[{"origin":"/srv/pub/a","target":{"where":"/srv/pub/b"}}]}}`, true},
		{"copy", `{"spec":{"items":[{"origin":"/srv/pub/a","target":{"where":"/srv/secret/b"}}]}}`, false},
		{"copy", `{"spec":{"items":[{"origin":"/srv/pub/a","target":{"where":"/srv/pub/b"}},{"origin":"/etc/passwd","target":{"where":"/srv/pub/c"}}]}}`, false},
		{"copy", `{"spec":{"items":[{"origin":"/srv/pub/a","target":{"where":"/srv/pub/../secret/b"}}]}}`, false},
		{"note", `{"message":"a","options":{"output":{"outputDir":"/srv/pub/x"}}}`, true},
		{"note", `{"message":"a","options":{"output":{"outputDir":"/var/x"}}}`, false}, // a common name: no grant
		{"note", `{"message":"a","deep":[[{"x":["/srv/secret/k"]}]]}`, false},          // any string restricts
		{"note", `{"message":"a","deep":{"/srv/secret/k":1}}`, false},                  // a key too
		{"note", `{"message":"a","deep":[[{"x":["/srv/public/k"]}]]}`, true},
	} {
		line := g.Call(c.tool, c.args)
		if got := parse(t, line).refused() == ""; got != c.allowed {
			t.Errorf("%s %s answered %s", c.tool, c.args, line)
		}
		if c.allowed {
			passed++
		}
	}
	g.finish(t)
	ran, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(ran), "\n"); got != passed || strings.Contains(string(ran), "secret") {
		t.Errorf("the server ran %d calls, want %d:\n%s", got, passed, ran)
	}
}
