package upstream

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
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
// starts no other children may call it, once, before the first Start.
func (h *Host) Adopt() error {
	h.adopted = true
	return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
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
		strays := slices.DeleteFunc(children(os.Getpid()), func(pid int) bool { return own[pid] })
		if len(strays) == 0 {
			return
		}
		for _, pid := range strays {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			var ws syscall.WaitStatus
			_, _ = syscall.Wait4(pid, &ws, 0, nil)
		}
	}
}

// children lists the live children of a process from /proc.
func children(parent int) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var out []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat") //nolint:gosec // a number below /proc
		if err != nil {
			continue
		}
		// The command name stands in parentheses and may hold anything.
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(fields) > 1 && string(fields[1]) == strconv.Itoa(parent) {
			out = append(out, pid)
		}
	}
	return out
}
