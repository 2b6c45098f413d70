// Package upstream starts guarded servers and ends them.
//
// A backend over stdio is a child process in its own process group. It reads
// requests on its standard input, answers on its standard output, and its
// standard error is ours. It does not outlive Custos: [Process.Stop] ends the
// whole group and whatever fled from it, and on Linux the kernel kills the
// child when Custos itself is killed.
//
// Who could misuse this door: a server that ignores the end of its input,
// that ignores SIGTERM, or that leaves children behind. Each is ended by
// force after a stated grace, and none is left as a zombie.
package upstream

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Host starts backends and knows which children are its own. The zero Host is
// ready to use.
type Host struct {
	mu      sync.Mutex
	live    map[int]bool
	adopted bool
}

// Options say what to start.
type Options struct {
	// Command is the argument vector; it is never given to a shell.
	Command []string
	// Stderr receives the child's standard error; nil discards it.
	Stderr io.Writer
	// Env is the environment; nil inherits ours.
	Env []string
}

// Process is one running backend. Stdin and Stdout may be used by one
// goroutine each; Stop and Wait by any number.
type Process struct {
	// Stdin is the child's standard input. Closing it asks the child to end.
	Stdin io.WriteCloser
	// Stdout is the child's standard output.
	Stdout io.Reader

	host *Host
	in   syscall.RawConn // Stdin's descriptor
	cmd  *exec.Cmd
	done chan struct{} // closed once the child was reaped
	stop sync.Once
	out  *os.File

	forced bool // the child did not end by itself; written within stop
}

// A StartError says that the command could not be started at all.
type StartError struct {
	Command string
	Err     error
}

func (e *StartError) Error() string {
	return fmt.Sprintf("cannot start %q: %v", e.Command, e.Err)
}

func (e *StartError) Unwrap() error { return e.Err }

// Start runs the command. The caller MUST call [Process.Stop], also after the
// child ended by itself, to collect what the child left behind, then
// [Process.Close].
func (h *Host) Start(o Options) (*Process, error) {
	if len(o.Command) == 0 {
		return nil, errors.New("no command given")
	}
	cmd := exec.Command(o.Command[0], o.Command[1:]...) //nolint:gosec // running the operator's command is the purpose
	cmd.Env = o.Env
	cmd.Stderr = o.Stderr
	// Pipes are made by hand: exec's own are closed by Wait, which would cut
	// off what the child wrote just before it ended. A blocking read is woken by
	// the kernel itself; one through the poller costs two more switches on every
	// answer. Whoever reads or writes must not count on Close to end that: the
	// end of the child does.
	inR, inW, err := pipe()
	if err != nil {
		return nil, &StartError{o.Command[0], err}
	}
	outR, outW, err := pipe()
	if err != nil {
		closeAll(inR, inW)
		return nil, &StartError{o.Command[0], err}
	}
	cmd.Stdin, cmd.Stdout = inR, outW
	isolate(cmd)
	raw, err := inW.SyscallConn()
	if err != nil {
		closeAll(inR, inW, outR, outW)
		return nil, &StartError{o.Command[0], err}
	}
	p := &Process{host: h, in: raw, Stdin: inW, Stdout: outR, cmd: cmd, done: make(chan struct{}), out: outR}
	started := make(chan error, 1)
	go p.hold(started)
	err = <-started
	closeAll(inR, outW)
	if err != nil {
		closeAll(inW, outR)
		return nil, &StartError{o.Command[0], err}
	}
	return p, nil
}

// hold starts the child and reaps it on one locked thread: the parent-death
// signal fires when the thread that forked ends, not when the process does.
func (p *Process) hold(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.host.born(p.cmd)
	started <- err
	if err != nil {
		return
	}
	_ = p.cmd.Wait() // the outcome stays in ProcessState
	close(p.done)
}

// born starts the child while nobody hunts strays, so that it is never taken
// for one.
func (h *Host) born(cmd *exec.Cmd) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := cmd.Start(); err != nil {
		return err
	}
	if h.live == nil {
		h.live = map[int]bool{}
	}
	h.live[cmd.Process.Pid] = true
	return nil
}

// gone forgets a reaped child and ends the orphans that were handed to us.
func (h *Host) gone(pid int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.live, pid)
	if h.adopted {
		reapStrays(h.live)
	}
}

func closeAll(files ...*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

// easyRoom is how much of a pipe may be filled without anybody waiting: half
// of what a pipe holds at least, since short writes fill it unevenly.
const easyRoom = 32 << 10

// Room reports whether n bytes can be written to Stdin without waiting for the
// child to read. Where the system cannot tell, the answer is no.
func (p *Process) Room(n int) bool {
	ok := false
	err := p.in.Control(func(fd uintptr) {
		waiting, known := unread(fd)
		ok = known && waiting+n <= easyRoom
	})
	return err == nil && ok
}

// Done is closed once the child ended and was reaped.
func (p *Process) Done() <-chan struct{} { return p.done }

// Status returns the child's exit status in the form of a shell: its code, or
// 128 plus the number of the signal that ended it. It MUST be called after
// Done was closed.
func (p *Process) Status() int {
	ws, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	switch {
	case !ok:
		return p.cmd.ProcessState.ExitCode()
	case ws.Signaled():
		return 128 + int(ws.Signal())
	default:
		return ws.ExitStatus()
	}
}

// Stop ends the child: it closes its input, waits for grace, sends SIGTERM to
// the group, waits again for half the grace, then kills the group and every
// descendant that fled from it. It returns once the child was reaped, and may
// be called again. What the child wrote can still be read from Stdout, until
// [Process.Close]. It reports whether the child had to be ended by a signal.
func (p *Process) Stop(grace time.Duration) (forced bool) {
	p.stop.Do(func() {
		_ = p.Stdin.Close()
		if !p.Ended(grace) {
			p.forced = true
			p.signal(syscall.SIGTERM)
			if !p.Ended(grace / 2) {
				p.signal(syscall.SIGKILL)
			}
		}
		<-p.done
		p.signal(syscall.SIGKILL) // whoever of the group outlived its leader
		p.host.gone(p.cmd.Process.Pid)
	})
	return p.forced
}

// Close gives up Stdout. It MUST follow Stop.
func (p *Process) Close() { _ = p.out.Close() }

// Signal passes a signal to the whole group.
func (p *Process) Signal(sig syscall.Signal) { p.signal(sig) }

// Ended waits for the child to end by itself, at most for the time given, and
// reports whether it did.
func (p *Process) Ended(within time.Duration) bool {
	select {
	case <-p.done: // even where no time is given
		return true
	default:
	}
	t := time.NewTimer(within)
	defer t.Stop()
	select {
	case <-p.done:
		return true
	case <-t.C:
		return false
	}
}
