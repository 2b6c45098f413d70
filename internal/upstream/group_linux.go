package upstream

import (
	"bytes"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// isolate puts the child into its own group and ties its life to ours.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// Adopt makes this process the parent of every orphan below it, so that a
// server's children cannot escape by leaving their group. Only a program that
// starts no other children may call it, once, before the first Start. Orphans
// that end by themselves are collected until the process ends.
func (h *Host) Adopt() error {
	h.adopted = true
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	go func() {
		for range ended {
			h.collect()
		}
	}()
	return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
}

// collect takes orphans that ended by themselves, so that a server that leaves
// many behind does not fill the process table.
func (h *Host) collect() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range strays(h.live) {
		if s.zombie {
			var ws syscall.WaitStatus
			_, _ = syscall.Wait4(s.pid, &ws, syscall.WNOHANG, nil)
		}
	}
}

func (p *Process) signal(sig syscall.Signal) {
	_ = syscall.Kill(-p.cmd.Process.Pid, sig) // an empty group is no error
}

// maxStrays bounds the hunt: a fork bomb must not keep us from ending.
const maxStrays = 64

// reapStrays kills and collects orphans that were handed to us: children that
// are not our own.
func reapStrays(own map[int]bool) {
	for range maxStrays {
		left := strays(own)
		if len(left) == 0 {
			return
		}
		for _, s := range left {
			_ = syscall.Kill(s.pid, syscall.SIGKILL)
			var ws syscall.WaitStatus
			_, _ = syscall.Wait4(s.pid, &ws, 0, nil)
		}
	}
}

// stray is an orphan that was handed to us.
type stray struct {
	pid    int
	zombie bool // it ended and nobody has collected it
}

// strays lists our children but those that are our own, from /proc.
func strays(own map[int]bool) []stray {
	parent := strconv.Itoa(os.Getpid())
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var out []stray
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || own[pid] {
			continue
		}
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue
		}
		// The command name stands in parentheses and may hold anything.
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(fields) > 1 && string(fields[1]) == parent {
			out = append(out, stray{pid: pid, zombie: string(fields[0]) == "Z"})
		}
	}
	return out
}

// unread returns how many bytes of a pipe nobody has read yet.
func unread(fd uintptr) (int, bool) {
	n, err := unix.IoctlGetInt(int(fd), unix.TIOCINQ)
	return n, err == nil
}
