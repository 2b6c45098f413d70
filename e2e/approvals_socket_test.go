package e2e

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/custos-zt/custos/e2e/client"
	"github.com/custos-zt/custos/e2e/peers"
)

// listening waits until a guard answers on the socket of its slot.
func (l *office) listening(slot string) {
	l.t.Helper()
	at := filepath.Join(l.state, "run", slot+".sock")
	for deadline := time.Now().Add(client.Patience); ; time.Sleep(10 * time.Millisecond) {
		st, err := os.Lstat(at)
		if err == nil && st.Mode() == fs.ModeSocket|0o600 {
			return
		}
		if time.Now().After(deadline) {
			l.t.Fatalf("%v, %v", st, err)
		}
	}
}

// slots are the chains of the log.
func (l *office) slots() string {
	l.t.Helper()
	entries, err := os.ReadDir(filepath.Join(l.state, "log"))
	if err != nil {
		l.t.Fatal(err)
	}
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

// Commands answer through the guard that runs, which records it in its own
// chain; when it was killed they do so themselves, and what it left behind is in
// nobody's way. The state directory lies deeper than the kernel knows the paths
// of sockets.
func TestAnswersThroughTheGuard(t *testing.T) {
	t.Parallel()
	l := newOffice(t, asks, "5m")
	l.state = filepath.Join(filepath.Dir(l.state), strings.Repeat("d", 120), "state")
	guard := client.Start(t, l.guarding(peers.Bad(t)))
	guard.Initialize("")
	l.listening("00")
	id := guard.Post("tools/call", `{"name":"echo","arguments":{"message":"Ada"}}`)
	first := l.open(1)[0]
	if out, err := l.approvals("allow", first); err != nil || !strings.Contains(out, "is allowed once") {
		t.Fatalf("%s (%v)", out, err)
	}
	if reply, _ := guard.Reply(id); !strings.Contains(reply, `"Ada"`) {
		t.Errorf("%s", reply)
	}
	if got := l.slots(); got != "00" {
		t.Errorf("the answer was recorded in a chain of its own: %s", got)
	}
	if out, err := l.approvals("allow", first); err == nil || !strings.Contains(out, "used already") {
		t.Errorf("through the guard a refusal is one too: %s (%v)", out, err)
	}

	guard.Post("tools/call", `{"name":"echo","arguments":{"message":"Grace"}}`)
	second := l.open(1)[0]
	guard.Signal(syscall.SIGKILL)
	guard.Wait()
	l.listening("00") // nobody is there, but the file is
	if out, err := l.approvals("allow", second); err != nil || !strings.Contains(out, "is allowed once") {
		t.Fatalf("%s (%v)", out, err)
	}
	next := client.Start(t, l.guarding(peers.Bad(t)))
	next.Initialize("")
	if reply := next.Call("echo", `{"message":"Grace"}`); !strings.Contains(reply, `"Grace"`) {
		t.Errorf("the grant waits for another process: %s", reply)
	}
	l.listening("00")
	if out, err := l.approvals("list", "--all"); err != nil || strings.Count(out, "used") != 2 {
		t.Errorf("%s (%v)", out, err)
	}
	next.CloseStdin()
	next.Wait()
	if _, err := os.Lstat(filepath.Join(l.state, "run", "00.sock")); !os.IsNotExist(err) {
		t.Errorf("an orderly end leaves a socket: %v", err)
	}
}
