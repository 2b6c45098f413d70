package upstream

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// grace is for a server that is known to ignore it.
	grace = 300 * time.Millisecond
	// patience is for one that ends by itself, on a machine that may be busy.
	patience = 30 * time.Second
)

func start(t *testing.T, h *Host, script string) *Process {
	t.Helper()
	p, err := h.Start(Options{Command: []string{"/bin/sh", "-c", script}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stop(grace); p.Close() })
	return p
}

func TestRelaysAndReportsTheStatus(t *testing.T) {
	p := start(t, &Host{}, `read line; echo "got $line"; exit 7`)
	if _, err := io.WriteString(p.Stdin, "hello\n"); err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(p.Stdout)
	if err != nil || string(out) != "got hello\n" {
		t.Fatalf("got %q, %v", out, err)
	}
	p.Stop(patience)
	if got := p.Status(); got != 7 {
		t.Errorf("status %d, want 7", got)
	}
}

func TestRoomIsWhatTheChildHasNotRead(t *testing.T) {
	p := start(t, &Host{}, `head -c 30000 >/dev/null; echo read; sleep 60`)
	if !p.Room(100) || p.Room(easyRoom+1) {
		t.Error("an empty pipe takes a little and not everything")
	}
	out := bufio.NewReader(p.Stdout)
	if _, err := p.Stdin.Write(make([]byte, 30000)); err != nil {
		t.Fatal(err)
	}
	if _, err := out.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Stdin.Write(make([]byte, 30000)); err != nil {
		t.Fatal(err)
	}
	if p.Room(4000) {
		t.Error("a pipe that nobody reads still takes more")
	}
}

func TestStatusOfASignal(t *testing.T) {
	p := start(t, &Host{}, `kill -TERM $$`)
	<-p.Done()
	if got, want := p.Status(), 128+int(syscall.SIGTERM); got != want {
		t.Errorf("status %d, want %d", got, want)
	}
}

func TestStartErrorNamesTheCommand(t *testing.T) {
	_, err := (&Host{}).Start(Options{Command: []string{"/nonexistent/server"}})
	var se *StartError
	if !errors.As(err, &se) || !strings.Contains(err.Error(), "/nonexistent/server") {
		t.Fatalf("got %v", err)
	}
}

func TestStderrIsPassedOn(t *testing.T) {
	var errOut bytes.Buffer
	p, err := (&Host{}).Start(Options{Command: []string{"/bin/sh", "-c", "echo oops >&2"}, Stderr: &errOut})
	if err != nil {
		t.Fatal(err)
	}
	p.Stop(patience)
	if errOut.String() != "oops\n" {
		t.Errorf("stderr %q", errOut.String())
	}
}

// A server that ignores the end of its input and SIGTERM, whose child left
// the group, must be gone when Stop returns, and so must the child.
func TestStopLeavesNobodyBehind(t *testing.T) {
	if os.Getenv("CUSTOS_TEST_ADOPT") == "" {
		// Being a subreaper is a property of the whole process: use another one.
		rerun(t, "TestStopLeavesNobodyBehind", "CUSTOS_TEST_ADOPT=1")
		return
	}
	h := &Host{}
	if err := h.Adopt(); err != nil {
		t.Fatal(err)
	}
	p := start(t, h, `trap '' TERM; setsid sh -c 'trap "" TERM HUP; echo $$; while :; do sleep 1; done' & while :; do sleep 1; done`)
	line, err := bufio.NewReader(p.Stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	fled, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	p.Stop(grace)
	for _, pid := range []int{p.cmd.Process.Pid, fled} {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process %d is still there: %v", pid, err)
		}
	}
	if got := p.Status(); got != 128+int(syscall.SIGKILL) {
		t.Errorf("status %d: SIGTERM was ignored, so only SIGKILL can have ended it", got)
	}
}

// When Custos is killed without warning, the kernel kills the server.
func TestTheServerDiesWithUs(t *testing.T) {
	if os.Getenv("CUSTOS_TEST_DIE") != "" {
		p := start(t, &Host{}, `trap '' TERM HUP; echo $$; while :; do sleep 1; done`)
		line, _ := bufio.NewReader(p.Stdout).ReadString('\n')
		_, _ = os.Stdout.WriteString("pid " + line)
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	out := rerun(t, "TestTheServerDiesWithUs", "CUSTOS_TEST_DIE=1")
	_, after, ok := strings.Cut(out, "pid ")
	if !ok {
		t.Fatalf("no pid in %q", out)
	}
	pid, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if gone(pid) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("server %d outlived its guard", pid)
		}
	}
}

// gone reports whether a process no longer runs: absent, or a zombie that
// waits for its new parent.
func gone(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || bytes.Contains(stat, []byte(") Z "))
}
