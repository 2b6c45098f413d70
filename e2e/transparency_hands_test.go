package e2e

import (
	"bufio"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/e2e/client"
	"github.com/custos-zt/custos/e2e/peers"
)

// hands is a session in which the test itself is both ends: the client, and
// the server behind Custos. Both ends are used by the test's goroutine, so
// that what is said has one order.
type hands struct {
	t      *testing.T
	client *client.Process
	conn   *net.UnixConn
	in     *bufio.Reader
}

// bothEnds starts a session under the policy that allows everything, and
// shakes hands the stateful way. tools is the server's list, as JSON text.
func bothEnds(t *testing.T, tools string) *hands {
	t.Helper()
	socket, accept := listen(t)
	p := open(peers.Puppet(t, socket)).start(t)
	conn := accept()
	h := &hands{t: t, client: p.Process, conn: conn, in: bufio.NewReaderSize(conn, 1<<20)}
	h.asks(`{"jsonrpc":"2.0","id":"hello","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"hands","version":"1"}}}`)
	h.tells(`{"jsonrpc":"2.0","id":"hello","result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"puppet","version":"1"}}}`)
	h.asks(`{"jsonrpc":"2.0","id":"tools","method":"tools/list"}`)
	h.tells(`{"jsonrpc":"2.0","id":"tools","result":{"tools":` + tools + `}}`)
	return h
}

const oneTool = `[{"name":"any","inputSchema":{"type":"object"}}]`

// asks sends a line of the client, which must reach the server as it is.
func (h *hands) asks(line string) {
	h.t.Helper()
	h.client.Send(line)
	h.same("the client sent", line, h.serverReads())
}

// tells sends a line of the server, which must reach the client as it is.
func (h *hands) tells(line string) {
	h.t.Helper()
	h.serverWrites(line + "\n")
	h.same("the server sent", line, h.clientReads())
}

func (h *hands) same(what, want, got string) {
	h.t.Helper()
	if want == got {
		return
	}
	i := 0
	for i < min(len(want), len(got)) && want[i] == got[i] {
		i++
	}
	from := max(0, i-80)
	h.t.Errorf("%s %d bytes, %d arrived, which differ at byte %d (-sent +arrived):\n%s", what, len(want), len(got), i,
		cmp.Diff(clip(want[from:]), clip(got[from:])))
}

func (h *hands) clientReads() string {
	h.t.Helper()
	line, ok := h.client.Line()
	if !ok {
		h.t.Fatal("Custos has closed its output")
	}
	return line
}

func (h *hands) serverReads() string {
	h.t.Helper()
	if err := h.conn.SetReadDeadline(time.Now().Add(client.Patience)); err != nil {
		h.t.Fatal(err)
	}
	line, err := h.in.ReadString('\n')
	if err != nil {
		h.t.Fatalf("nothing reaches the server: %v", err)
	}
	return strings.TrimSuffix(line, "\n")
}

func (h *hands) serverWrites(bytes string) {
	h.t.Helper()
	if err := h.conn.SetWriteDeadline(time.Now().Add(client.Patience)); err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.conn.Write([]byte(bytes)); err != nil {
		h.t.Fatalf("Custos does not read what the server says: %v", err)
	}
}
