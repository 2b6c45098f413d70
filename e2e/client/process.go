// Package client drives an MCP server, or Custos in front of one, the way
// tests need it: [Start] with raw lines and deadlines, [Connect] with the
// official SDK and a client that declares every capability.
//
// A [Process] sends exactly the bytes it is given, so that a test can say what
// no library would, and keeps everything that came back: lines, stderr, exit
// status. Every method fails the test when what it waits for does not come in
// time; nothing here sleeps. A Process is used by one goroutine at a time.
package client

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Patience is how long a method waits before it fails the test. It is long
// because a machine under load is slow, and costs nothing when all is well.
const Patience = time.Minute

// Process is one started command with its pipes.
type Process struct {
	t      testing.TB
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *os.File
	lines  chan []byte // closed at the end of stdout
	stderr *lockedBuffer
	exited chan struct{} // closed when the command has been waited for
	over   chan struct{} // closed when the test ends
	next   int
}

// Option changes how [Start] starts a command.
type Option func(*exec.Cmd)

// Env adds variables, as NAME=VALUE, to the environment of the test.
func Env(vars ...string) Option {
	return func(c *exec.Cmd) { c.Env = append(c.Environ(), vars...) }
}

// Dir sets the working directory.
func Dir(path string) Option { return func(c *exec.Cmd) { c.Dir = path } }

// Start starts a command in a process group of its own. When the test ends the
// group is killed, so that nothing is left even when the test has failed.
func Start(t testing.TB, command []string, options ...Option) *Process {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	for _, o := range options {
		o(cmd)
	}
	p := &Process{
		t: t, cmd: cmd, lines: make(chan []byte, 256), stderr: &lockedBuffer{},
		exited: make(chan struct{}), over: make(chan struct{}),
	}
	cmd.Stderr = p.stderr
	// What the command leaves behind may hold stderr open: do not wait for it.
	cmd.WaitDelay = 5 * time.Second
	var err error
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, ours, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, p.stdout = ours, stdout
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %q: %v", command, err)
	}
	ours.Close()
	go p.read(stdout)
	go func() {
		_ = cmd.Wait() // its outcome is in cmd.ProcessState
		close(p.exited)
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it may be gone already
		<-p.exited
		close(p.over)
		stdout.Close()
		if t.Failed() && p.Stderr() != "" {
			t.Logf("stderr of %q:\n%s", command, p.Stderr())
		}
	})
	return p
}

func (p *Process) read(stdout io.Reader) {
	defer close(p.lines)
	in := bufio.NewReaderSize(stdout, 1<<20)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			select {
			case p.lines <- line:
			case <-p.over: // nobody reads what a flood still sends
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// PID returns the process id of the command.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Send writes one line; a newline is added.
func (p *Process) Send(line string) {
	p.t.Helper()
	p.SendBytes([]byte(line + "\n"))
}

// SendBytes writes bytes as they are. It fails the test when they are not
// taken in time, as when the command has stopped reading.
func (p *Process) SendBytes(b []byte) {
	p.t.Helper()
	done := make(chan error, 1)
	go func() {
		_, err := p.stdin.Write(b)
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			p.t.Fatalf("write to the command: %v", err)
		}
	case <-time.After(Patience):
		p.t.Fatalf("the command did not read %d bytes in %v", len(b), Patience)
	}
}

// Try is Send and the next line back, for a command that may be gone or may
// never answer: ok is false then, and the test goes on.
func (p *Process) Try(line string, patience time.Duration) (reply string, ok bool) {
	if _, err := p.stdin.Write([]byte(line + "\n")); err != nil {
		return "", false
	}
	select {
	case b, open := <-p.lines:
		return string(bytes.TrimSuffix(b, []byte("\n"))), open
	case <-time.After(patience):
		return "", false
	}
}

// CloseStdin ends the command's input.
func (p *Process) CloseStdin() { p.stdin.Close() }

// CloseStdout stops reading, for good: the command writes to a broken pipe.
func (p *Process) CloseStdout() { p.stdout.Close() }

// Line returns the next line of stdout without its newline. ok is false when
// stdout has ended.
func (p *Process) Line() (line string, ok bool) {
	p.t.Helper()
	select {
	case b, open := <-p.lines:
		return string(bytes.TrimSuffix(b, []byte("\n"))), open
	case <-time.After(Patience):
		p.t.Fatalf("no line in %v", Patience)
		return "", false
	}
}

// Quiet fails the test when a line arrives within d.
func (p *Process) Quiet(d time.Duration) {
	p.t.Helper()
	select {
	case b, open := <-p.lines:
		if open {
			p.t.Fatalf("unexpected line: %s", b)
		}
	case <-time.After(d):
	}
}

// Reply returns the next line that is a reply (it has no method) under this
// id, given as JSON text, and the lines that came before it.
func (p *Process) Reply(id string) (reply string, before []string) {
	p.t.Helper()
	for {
		line, ok := p.Line()
		if !ok {
			p.t.Fatalf("stdout ended before the reply to %s; before it came %q", id, before)
		}
		var f struct {
			ID     json.RawMessage `json:"id"`
			Method *string         `json:"method"`
		}
		if json.Unmarshal([]byte(line), &f) == nil && f.Method == nil && string(f.ID) == id {
			return line, before
		}
		before = append(before, line)
	}
}

// Request sends a request with the next free integer id and returns its reply.
// params is JSON text; "" leaves it out.
func (p *Process) Request(method, params string) string {
	p.t.Helper()
	id := p.Post(method, params)
	reply, _ := p.Reply(id)
	return reply
}

// Post sends a request and returns its id without waiting.
func (p *Process) Post(method, params string) string {
	p.t.Helper()
	p.next++
	if params != "" {
		params = `,"params":` + params
	}
	p.Send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":%q%s}`, p.next, method, params))
	return fmt.Sprint(p.next)
}

// Call sends a tools/call and returns its reply; arguments is JSON text.
func (p *Process) Call(tool, arguments string) string {
	p.t.Helper()
	return p.Request("tools/call", fmt.Sprintf(`{"name":%q,"arguments":%s}`, tool, arguments))
}

// Initialize makes the stateful handshake, declaring these capabilities
// (JSON text; "" is none), and returns the server's reply.
func (p *Process) Initialize(capabilities string) string {
	p.t.Helper()
	if capabilities == "" {
		capabilities = "{}"
	}
	reply := p.Request("initialize", `{"protocolVersion":"2025-11-25","capabilities":`+capabilities+
		`,"clientInfo":{"name":"test-client","version":"1"}}`)
	p.Send(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	return reply
}

// Signal sends a signal to the command alone, not to its group.
func (p *Process) Signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Fatalf("signal: %v", err)
	}
}

// Wait waits for the command to end and returns its exit status, or minus the
// signal that ended it. Lines not read yet are dropped.
func (p *Process) Wait() int {
	p.t.Helper()
	deadline := time.After(Patience)
	lines := p.lines
	for {
		select {
		case _, open := <-lines:
			if !open {
				lines = nil // and wait for the exit alone
			}
		case <-p.exited:
			status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
			if ok && status.Signaled() {
				return -int(status.Signal())
			}
			return p.cmd.ProcessState.ExitCode()
		case <-deadline:
			p.t.Fatalf("the command did not end in %v", Patience)
			return -1
		}
	}
}

// Stderr returns what the command has written to stderr so far.
func (p *Process) Stderr() string { return p.stderr.String() }

// Gone waits until no process has this id, and fails the test when one stays.
// A zombie counts as staying.
func Gone(t testing.TB, pid int) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(Patience); ; {
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("process %d is still there after %v", pid, Patience)
		}
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
