package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/custos-zt/custos/e2e/peers"
)

// canaries are the secrets of this test: one in the environment, one in a file,
// of letters that encoders change. Each is half of one here, so that the test
// finds them in no output by its own doing.
func canaries() []string {
	return []string{"canary-" + "7f3k9w2m", "can/ary=" + `"8&é<x>` + "q"}
}

// TestSecretsAppearNowhere sends calls that carry known secrets in every place
// and every encoding, and looks for them in all that Custos wrote and can print:
// bar "redaction" of audit.md, 100,000 calls in the long run and 2,000 here.
func TestSecretsAppearNowhere(t *testing.T) {
	t.Parallel()
	calls := 2000
	if reliability() {
		calls = 100_000
	}
	known := canaries()
	dir := t.TempDir()
	file := filepath.Join(dir, "hush")
	if err := os.WriteFile(file, []byte(known[1]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	g := guarding{
		server: peers.Bad(t, "-life", "10m"), name: "bad", env: []string{"CANARY=" + known[0]},
		config: "audit:\n  canaries: [env:CANARY, file:" + file + "]\n",
		policy: `policy: p
rules:
  - {id: echo, allow: ["bad.echo"], paths: {none: match, all: ["/srv/**"]}, unlisted_args: allow}
  - {id: res, allow: ["resource:bad.*"]}
`,
	}.start(t)
	g.Send(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":` + jsonText(known[0]) + `,"version":"1"}}}`)
	g.Reply("0")
	const batch = 50
	for n := 1; n <= calls; n += batch {
		for i := n; i < n+batch; i++ {
			g.Send(canaryCall(i, known[i%2], forms(known[i%2])))
		}
		for range batch {
			if _, ok := g.Line(); !ok {
				t.Fatalf("no answer to call %d\n%s", n, g.Stderr())
			}
		}
	}
	g.CloseStdin()
	if status := g.Wait(); status != 0 {
		t.Errorf("custos run ended with status %d\n%s", status, g.Stderr())
	}
	quiet(t, "stderr of run", g.Stderr())
	printed(t, g.state)
	stored(t, g.state)
}

func jsonText(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string is always JSON
	}
	return string(b)
}

// forms are a secret in the encodings in which calls carry it.
func forms(secret string) []string {
	return []string{
		secret, jsonText(secret), url.QueryEscape(secret), url.PathEscape(secret),
		base64.StdEncoding.EncodeToString([]byte(secret)),
		"Basic " + base64.StdEncoding.EncodeToString([]byte("user:"+secret)),
		base64.URLEncoding.EncodeToString([]byte("xy" + secret + "z")),
	}
}

// canaryCall is message i: the secret stands in another place each time.
func canaryCall(i int, secret string, in []string) string {
	s := jsonText("x " + in[i/12%len(in)] + " y")
	call := func(tool, args string) string {
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%s,"arguments":%s}}`, i, tool, args)
	}
	switch i % 12 {
	case 0:
		return call(`"echo"`, `{"text":`+s+`}`)
	case 1:
		return call(`"echo"`, `{"deep":{"list":[1,{"x":`+s+`}]}}`)
	case 2:
		return call(`"echo"`, `{`+s+`:1}`)
	case 3: // denied, and the denial repeats the path
		return call(`"echo"`, `{"path":`+jsonText("/etc/"+secret)+`}`)
	case 4: // no such tool
		return call(jsonText(secret), `{}`)
	case 5:
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"resources/read","params":{"uri":%s}}`, i, jsonText("https://u:"+url.PathEscape(secret)+"@h.example/a?t="+url.QueryEscape(secret)))
	case 6: // a file of this name
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"resources/read","params":{"uri":%s}}`, i, jsonText("file:///srv/"+url.PathEscape(secret)+"/x"))
	case 7: // cannot be read: an answer with id null
		return `{"jsonrpc":"2.0","id":` + fmt.Sprint(i) + `,"method":"tools/call","params":{` + s + `:1,` + s + `:2}}`
	case 8:
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{"name":"echo","arguments":{}}}`, jsonText(fmt.Sprintf("%d %s", i, secret)))
	case 9:
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":%s,"params":{}}`, i, jsonText("x/"+secret))
	case 10:
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"prompts/get","params":{"name":%s,"arguments":{%s:%s}}}`, i, s, s, s)
	default: // cut in the middle where names are cut
		return call(jsonText(strings.Repeat("n", 245)+secret), `{}`)
	}
}

// printed looks at everything that commands print of the log.
func printed(t *testing.T, state string) {
	t.Helper()
	at := []string{"--state", state}
	export := run(t, 0, append(at, "audit", "export")...)
	quiet(t, "audit export", export)
	for _, args := range [][]string{
		{"audit", "export", "--format", "csv"},
		{"audit", "export", "--format", "ocsf"},
		{"tail", "--no-follow"},
		{"tail", "--no-follow", "--json"},
		{"why"},
		{"why", "--json"},
		{"status"},
		{"status", "--json"},
		{"audit", "query", "--limit", "0"},
		{"audit", "query", "--limit", "0", "--json"},
		{"audit", "query", "--scan", "--decision", "deny"},
		{"audit", "stats"},
		{"audit", "verify"},
	} {
		quiet(t, strings.Join(args, " "), run(t, 0, append(at, args...)...))
	}
	shown, calls := 0, 0
	for line := range strings.Lines(export) {
		var r struct {
			ID, Kind  string
			Coalesced struct{ Count int }
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		calls += r.Coalesced.Count // denials that came too fast are counted
		if r.Kind == "admission" {
			calls++
		}
		if r.Kind == "admission" && shown < 13 { // each place, and the handshake
			shown++
			quiet(t, "why --json "+r.ID, run(t, 0, append(at, "why", r.ID, "--json")...))
		}
	}
	if calls < 2000 {
		t.Errorf("%d calls were exported", calls)
	}
}

// stored looks at every file below the state directory.
func stored(t *testing.T, state string) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(state, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		n++
		quiet(t, path, string(b))
		return err
	})
	if err != nil || n < 5 {
		t.Errorf("%d files, %v", n, err)
	}
}

// quiet fails where a text holds a secret, in any encoding of the calls.
func quiet(t *testing.T, where, text string) {
	t.Helper()
	for _, secret := range canaries() {
		for _, form := range append(forms(secret), strings.Trim(jsonText(secret), `"`), strings.Trim(jsonText(jsonText(secret)), `"`)) {
			if i := bytes.Index([]byte(text), []byte(form)); i >= 0 {
				t.Errorf("%s holds a secret: …%q…", where, text[max(0, i-60):min(len(text), i+60)])
				return
			}
		}
	}
}
