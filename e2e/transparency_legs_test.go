package e2e

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/e2e/client"
	"github.com/custos-zt/custos/e2e/peers"
)

// allowAll lets everything pass that may pass at all.
const allowAll = `policy: open
version: "1"
defaults: {unlisted_args: allow}
rules:
  - id: everything
    allow: ["*.*", "resource:*.**", "prompt:*.*", "method:**"]
`

// open guards a server with the policy that allows everything.
func open(server []string) guarding { return guarding{policy: allowAll, server: server} }

// sameThrough holds a dialogue with a server in three ways at once: directly,
// through Custos, and through Custos with both of its ends watched. The first
// two must say the same, line by line and raw; of the third every byte that
// the server wrote must have reached the client in order, and the reverse. It
// returns what was said directly.
func sameThrough(t *testing.T, d *dialogue, server []string) *talk {
	t.Helper()
	var direct, through, watched *talk
	var w *watch
	env := client.Env(alone(t, nil)...)
	t.Run("hold", func(t *testing.T) {
		t.Run("direct", func(t *testing.T) {
			t.Parallel()
			direct = d.hold(t, client.Start(t, server, env))
		})
		t.Run("guarded", func(t *testing.T) {
			t.Parallel()
			state, command := open(server).command(t)
			through = d.hold(t, client.Start(t, command, env))
			logLines(t, state)
		})
		t.Run("watched", func(t *testing.T) {
			t.Parallel()
			socket, accept := listen(t)
			_, command := open(peers.Puppet(t, socket)).command(t)
			p := client.Start(t, command, env)
			w = watchServer(t, accept(), server)
			watched = d.hold(t, p)
		})
	})
	if t.Failed() {
		t.FailNow()
	}
	if diff := cmp.Diff(direct.trace(), through.trace()); diff != "" {
		t.Errorf("what was said (-directly +through Custos):\n%s", diff)
	}
	sameLines(t, "the client sent and the server got", watched.sent, w.toServer.lines(ownRequest))
	sameLines(t, "the server sent and the client got", w.fromServer.lines(ownReply), watched.received)
	return direct
}

// Custos asks for the tool list itself when a call comes before any list.
func ownRequest(line string) bool { return strings.HasPrefix(line, `{"jsonrpc":"2.0","id":"custos-`) }

// ownReply recognises the answer, whose id the Go SDK writes at the front and
// the TypeScript SDK at the end.
func ownReply(line string) bool {
	return strings.Contains(line, `"id":"custos-`) && !strings.Contains(line, `"method":`)
}

func sameLines(t *testing.T, what string, want, got []string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what %s, byte for byte (-sent +got):\n%s", what, diff)
	}
}

// listen returns a socket for a puppet, and how to take its connection.
func listen(t *testing.T) (socket string, accept func() *net.UnixConn) {
	t.Helper()
	dir, err := os.MkdirTemp("", "e2e") //nolint:usetesting // t.TempDir can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket = filepath.Join(dir, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return socket, func() *net.UnixConn {
		t.Helper()
		if err := l.SetDeadline(time.Now().Add(client.Patience)); err != nil {
			t.Fatal(err)
		}
		conn, err := l.AcceptUnix()
		if err != nil {
			t.Fatalf("the puppet does not come: %v", err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
}

// watch is what passed between Custos and a real server.
type watch struct{ toServer, fromServer record }

// watchServer starts a server behind a puppet's connection.
func watchServer(t *testing.T, conn *net.UnixConn, server []string) *watch {
	t.Helper()
	w := &watch{}
	cmd := exec.Command(server[0], server[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %q: %v", server, err)
	}
	var pumps sync.WaitGroup
	// Each byte is noted before it is passed on: who has seen its effect finds it.
	pumps.Go(func() { _, _ = io.Copy(io.MultiWriter(&w.toServer, in), conn); in.Close() })
	pumps.Go(func() { _, _ = io.Copy(io.MultiWriter(&w.fromServer, conn), out) })
	t.Cleanup(func() {
		conn.Close()
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Errorf("the watched server: %v", err)
		}
		pumps.Wait()
		_ = cmd.Wait() // killed
	})
	return w
}

// record keeps what was written to it.
type record struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.Write(p)
}

// lines returns the whole lines so far, without those to leave out.
func (r *record) lines(leaveOut func(string) bool) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for line := range strings.Lines(r.b.String()) {
		if text, whole := strings.CutSuffix(line, "\n"); whole && !leaveOut(text) {
			out = append(out, text)
		}
	}
	return out
}
