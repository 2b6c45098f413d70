package inventory

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
)

// record is how definitions of a new server or version come into the registry:
//
//	go test ./internal/inventory -run TestRecord -record NAME@VERSION -args COMMAND ARG…
var record = flag.String("record", "", "write registry/definitions/NAME@VERSION.json from the server that -args starts")

// TestRealServersListWhatIsRecorded starts the servers that `make peers` has
// installed and compares what they list with the recorded definitions.
func TestRealServersListWhatIsRecorded(t *testing.T) {
	r := load(t)
	for _, server := range []string{"server-filesystem", "server-everything", "server-memory"} {
		t.Run(server, func(t *testing.T) {
			script := filepath.Join("..", "..", ".peers", "node_modules", "@modelcontextprotocol", server, "dist", "index.js")
			if _, err := os.Stat(script); err != nil {
				t.Skip("the real server is not installed; make peers installs it")
			}
			e := r.Entry(server)
			var backend Backend
			words := []string{script}
			if server == "server-filesystem" {
				words = append(words, t.TempDir())
			}
			c := start(t, "node", words...)
			for !backend.Complete() || len(backend.Names()) < len(e.Tools()) {
				backend = Backend{} // some tools appear only after the client's roots
				tools, problems := ParseTools(c.call("tools/list", `{}`))
				if len(problems) > 0 {
					t.Fatal(problems)
				}
				backend.Replace(Page{Tools: tools})
			}
			for _, name := range backend.Names() {
				d, _ := backend.Lookup(name)
				if _, ok := e.Facts(name, d.Digest); !ok {
					t.Errorf("%s lists a definition of %s that is not recorded: %s", server, name, d.Raw)
				}
			}
		})
	}
}

// TestRecord writes a fixture; without -record there is nothing to write.
func TestRecord(t *testing.T) {
	if *record == "" {
		return
	}
	c := start(t, flag.Arg(0), flag.Args()[1:]...)
	timer := time.NewTimer(2 * time.Second) // tools that appear after the client's answers
	defer timer.Stop()
	<-timer.C
	items, problems := ParseItems(c.call("tools/list", `{}`), "tools", "name")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	raw := make([]string, 0, len(items))
	for _, it := range items {
		raw = append(raw, it.Raw)
	}
	text := "{\"tools\":[\n" + strings.Join(raw, ",\n") + "\n]}\n"
	if err := os.WriteFile(filepath.Join("registry", "definitions", *record+".json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// client is a peer of a real server over stdio that offers every feature, so
// that no tool stays hidden.
type client struct {
	t     *testing.T
	in    *bufio.Writer
	out   *bufio.Reader
	calls int
}

func start(t *testing.T, command string, args ...string) *client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	cmd := exec.CommandContext(ctx, command, args...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // killed on purpose
	})
	c := &client{t: t, in: bufio.NewWriter(in), out: bufio.NewReaderSize(out, 1<<20)}
	c.call("initialize", `{"protocolVersion":"2025-11-25","clientInfo":{"name":"inventory","version":"1"},"capabilities":{
		"roots":{"listChanged":true},"sampling":{"tools":{},"context":{}},"elicitation":{"form":{},"url":{}},
		"tasks":{"list":{},"cancel":{},"requests":{"sampling":{"createMessage":{}},"elicitation":{"create":{}}}}}}`)
	c.send(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	return c
}

func (c *client) send(frame string) {
	c.t.Helper()
	if _, err := c.in.WriteString(strings.ReplaceAll(frame, "\n", " ") + "\n"); err != nil {
		c.t.Fatal(err)
	}
	if err := c.in.Flush(); err != nil {
		c.t.Fatal(err)
	}
}

// call sends a request and returns its result. The server's own requests for
// roots are answered meanwhile.
func (c *client) call(method, params string) access.Value {
	c.t.Helper()
	c.calls++
	id := fmt.Sprint(c.calls)
	c.send(`{"jsonrpc":"2.0","id":` + id + `,"method":"` + method + `","params":` + params + `}`)
	for {
		line, err := c.out.ReadString('\n')
		if err != nil {
			c.t.Fatalf("%s: %v", method, err)
		}
		v, err := canon.Parse(line, canon.DefaultLimits())
		if err != nil {
			c.t.Fatalf("%s: %v", method, err)
		}
		switch {
		case v.Get("method").Text() == "roots/list":
			c.send(`{"jsonrpc":"2.0","id":` + v.Get("id").Raw() + `,"result":{"roots":[]}}`)
		case v.Get("method").IsAbsent() && v.Get("id").Raw() == id:
			return v.Get("result")
		}
	}
}
