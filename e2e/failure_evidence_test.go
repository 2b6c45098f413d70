package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// reliability says whether the long tests were asked for. They fail where the
// machine lacks a mechanism; the short ones skip with a reason.
func reliability() bool { return os.Getenv("CUSTOS_RELIABILITY") != "" }

// missing skips a test, or fails it where the long tests were asked for.
func missing(t *testing.T, format string, args ...any) {
	t.Helper()
	if reliability() {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// smallDisk mounts a file system of this size (as mount takes it).
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("custos-test", dir, "tmpfs", 0, "mode=0700,size="+size); err != nil {
		missing(t, "a small disk cannot be mounted: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

// fill takes all space of a disk and returns how to give it back.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	name := filepath.Join(dir, "filler")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("fill the disk: %v", err)
	}
	return func() {
		if err := os.Remove(name); err != nil {
			t.Error(err)
		}
	}
}

// strace returns a command that runs another with a fault injected into its
// system calls, or into those on one file. It counts the calls of each thread
// by itself: without a file, the second thread to get there would fail too.
func strace(t *testing.T, inject, file string) []string {
	t.Helper()
	path, err := exec.LookPath("strace")
	if err != nil {
		missing(t, "strace is not installed: %v", err)
	}
	if out, err := exec.Command(path, "-f", "-o", "/dev/null", "true").CombinedOutput(); err != nil {
		missing(t, "nothing can be traced here: %v %s", err, out)
	}
	name, _, _ := strings.Cut(inject, ":")
	command := []string{path, "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + name, "-e", "inject=" + inject}
	if file != "" {
		command = append(command, "-P", file)
	}
	return command
}

// firstSegment is the file that a fresh state directory logs to.
func firstSegment(state string) string {
	return filepath.Join(state, "log", "00", "0000000000000001.seg")
}

// losesEvidence drives a session whose log fails at some point: before that
// calls work; from the first failure on every call is refused as unavailable
// and nothing reaches the backend, until the client leaves. spoil, if not nil,
// runs after the first calls.
func (g *session) losesEvidence(spoil func()) {
	t := g.t
	t.Helper()
	g.Initialize("")
	var worked []string
	const most = 3000
	failed := false
	for n := 0; n < most && !failed; n++ {
		if n == 3 && spoil != nil {
			spoil()
		}
		id := g.post("echo", `{"message":"on record"}`)
		reply, _ := g.Reply(id)
		if parse(t, reply).text() == "on record" {
			worked = append(worked, id)
			continue
		}
		unavailable(t, reply)
		failed = true
	}
	if !failed {
		t.Fatalf("the log took %d calls and never failed", most)
	}
	for range 10 {
		unavailable(t, g.Call("echo", `{"message":"off the record"}`))
		unavailable(t, g.Call("forbidden", `{}`))
		unavailable(t, g.Request("resources/list", `{}`))
	}
	if got := g.executed(); !slices.Equal(got, worked) {
		t.Errorf("the backend executed %q, but %q were answered", got, worked)
	}
	g.CloseStdin()
	below := descendants(g.PID())
	if got := g.Wait(); got != 10 {
		t.Errorf("status %d, want 10", got)
	}
	g.gone(below)
	g.quiet()
	g.says("evidence can no longer be written")
	g.says("custos audit verify")
}

// recovers checks that a session on the same state works once the fault is
// gone, and that everything that was executed is on record.
func (g *session) recovers() {
	t := g.t
	t.Helper()
	g.lab.verified(t, g.state)
	g.lab.goesOn(t, setup{state: g.state}, g.executed())
	g.lab.toldOnce(t, g.state)
}

// goesOn checks that a session over the same state works once a fault is gone,
// and that everything that was executed before is on record.
func (l lab) goesOn(t *testing.T, s setup, executed []string) {
	t.Helper()
	next := l.guard(t, s)
	next.Initialize("")
	if got := parse(t, next.Call("echo", `{"message":"again"}`)).text(); got != "again" {
		t.Errorf("after the fault echo answered %q", got)
	}
	next.CloseStdin()
	next.over(0)
	l.admitted(t, s.state, executed)
}

// toldOnce fails the test unless the log tells of one failure.
func (l lab) toldOnce(t *testing.T, state string) {
	t.Helper()
	gaps := 0
	for _, r := range l.records(t, state) {
		if r.Kind == "gap" {
			gaps++
		}
	}
	if gaps != 1 {
		t.Errorf("the log tells of %d failures, want 1", gaps)
	}
}

// admitted fails the test where a call was executed without an admission that
// allows it.
func (l lab) admitted(t *testing.T, state string, executed []string) {
	t.Helper()
	allowed := map[string]bool{}
	for _, r := range l.records(t, state) {
		if r.Kind == "admission" && r.Decision == "allow" && r.Method == "tools/call" {
			allowed[r.RPCID] = true
		}
	}
	for _, id := range executed {
		if !allowed[strings.Trim(id, `"`)] {
			t.Errorf("call %s was executed and is not on record", id)
		}
	}
}

func TestDiskIsFull(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	disk := smallDisk(t, "1m")
	g := l.guard(t, setup{state: filepath.Join(disk, "state")})
	var free func()
	g.losesEvidence(func() { free = fill(t, disk) })
	if !strings.Contains(g.Stderr(), "no space left on device") {
		t.Errorf("stderr does not name the cause:\n%s", g.Stderr())
	}
	free()
	g.recovers()
}

// Where no evidence can be kept from the start, nothing is started.
func TestLogCannotBeOpened(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	refused := func(t *testing.T, state string) {
		t.Helper()
		g := l.guard(t, setup{state: state, command: []string{"/bin/sh", "-c", "echo here I am >&2"}})
		if got := g.Wait(); got != 10 {
			t.Errorf("status %d, want 10", got)
		}
		g.nobody()
		g.says("the server was not started")
		if strings.Contains(g.Stderr(), "here I am") {
			t.Errorf("the server was started:\n%s", g.Stderr())
		}
	}
	t.Run("read-only", func(t *testing.T) {
		t.Parallel()
		disk := smallDisk(t, "1m")
		if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
		refused(t, filepath.Join(disk, "state"))
	})
	t.Run("full", func(t *testing.T) {
		t.Parallel()
		disk := smallDisk(t, "64k")
		fill(t, disk)
		refused(t, filepath.Join(disk, "state"))
	})
	t.Run("not a directory", func(t *testing.T) {
		t.Parallel()
		refused(t, filepath.Join(write(t, filepath.Join(t.TempDir(), "file"), ""), "state"))
	})
	t.Run("forbidden", func(t *testing.T) {
		t.Parallel()
		if os.Geteuid() == 0 {
			t.Skip("root may write everywhere; the read-only case stands for this one")
		}
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o500); err != nil {
			t.Fatal(err)
		}
		refused(t, filepath.Join(dir, "state"))
	})
}

// A system call that fails once fails the log for good: the next fdatasync
// could report success for pages that were never written.
func TestSystemCallFails(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for _, inject := range []string{
		"fdatasync:error=EIO:when=8", "fdatasync:error=EIO:when=40", "pwrite64:error=ENOSPC:when=30",
		"pwrite64:error=EIO:when=12",
	} {
		t.Run(inject, func(t *testing.T) {
			t.Parallel()
			state := filepath.Join(t.TempDir(), "state")
			g := l.guard(t, setup{state: state, wrap: strace(t, inject, firstSegment(state))})
			g.losesEvidence(nil)
			g.recovers()
		})
	}
	t.Run("while the log is opened", func(t *testing.T) {
		t.Parallel()
		g := l.guard(t, setup{wrap: strace(t, "fdatasync:error=EIO:when=1", "")})
		if got := g.Wait(); got != 10 {
			t.Errorf("status %d, want 10", got)
		}
		g.nobody()
		g.says("the server was not started")
	})
}

// A disk that does not answer is a disk that failed.
func TestDiskHangs(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	state := filepath.Join(t.TempDir(), "state")
	g := l.guard(t, setup{state: state, wrap: strace(t, "fdatasync:delay_enter=12s:when=12", firstSegment(state))})
	g.losesEvidence(nil)
	if !strings.Contains(g.Stderr(), "deadline") {
		t.Errorf("stderr does not name the cause:\n%s", g.Stderr())
	}
	g.recovers()
}
