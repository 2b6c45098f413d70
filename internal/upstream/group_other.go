//go:build unix && !linux

package upstream

import (
	"os/exec"
	"syscall"
)

func isolate(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// Adopt does nothing where the kernel cannot hand orphans to us.
func (h *Host) Adopt() error { return nil }

func (p *Process) signal(sig syscall.Signal) {
	_ = syscall.Kill(-p.cmd.Process.Pid, sig)
}

func reapStrays(map[int]bool) {}

func unread(uintptr) (int, bool) { return 0, false }
