package e2e

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/custos-zt/custos/e2e/client"
	"github.com/custos-zt/custos/e2e/peers"
)

// pseudo opens a terminal: the person's end, and the end of the programs.
func pseudo(t *testing.T) (person, programs *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("this machine has no pseudo terminals: %v", err)
	}
	t.Cleanup(func() { _ = person.Close() })
	n, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	programs, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = programs.Close() })
	return person, programs
}

// A guard that was started in a terminal is answered there, and its standard
// output carries the protocol and nothing else.
func TestTheTerminalAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ typed, want string }{
		{"a\n", `"text":"hello"`},
		{"d\n", "a person refused this call"},
	} {
		person, programs := pseudo(t)
		l := newOffice(t, asks, "30s")
		line := l.guarding(peers.Bad(t))
		cmd := exec.Command(line[0], line[1:]...)
		cmd.Stderr = programs
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 2}
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill() }) // where the test gave up
		shown := make(chan string, 1)
		if _, err := person.WriteString("a\n"); err != nil { // typed before the question: answers nothing
			t.Fatal(err)
		}
		go func() { shown <- readUntil(person, "[d]eny: ", c.typed) }()
		fmt.Fprintln(stdin, `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo","arguments":{"message":"hello"}}}`)
		lines := bufio.NewScanner(stdout)
		if !lines.Scan() || !strings.Contains(lines.Text(), c.want) {
			t.Errorf("%q: %q", c.typed, lines.Text())
		}
		_ = stdin.Close()
		if lines.Scan() {
			t.Errorf("a foreign line: %q", lines.Text())
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("the guard: %v", err)
		}
		select {
		case text := <-shown:
			if !strings.Contains(text, "a_1  server.echo") || !strings.Contains(text, `message  "hello"`) || !strings.Contains(text, "rule asked") {
				t.Errorf("shown: %q", text)
			}
		case <-time.After(client.Patience):
			t.Error("nobody was asked at the terminal")
		}
	}
}

// readUntil reads the terminal until a text stands there, and types.
func readUntil(person *os.File, until, typed string) string {
	var all strings.Builder
	buf := make([]byte, 4096)
	for !strings.Contains(all.String(), until) {
		n, err := person.Read(buf)
		if err != nil {
			return all.String()
		}
		all.Write(buf[:n])
	}
	time.Sleep(100 * time.Millisecond) // a person reads first
	_, _ = person.WriteString(typed)
	go func() { // nothing more is of interest, but it must not fill the terminal
		for {
			if _, err := person.Read(buf); err != nil {
				return
			}
		}
	}()
	return all.String()
}
