package upstream

import "os/exec"

// Run runs a program of Custos's own to its end, like [exec.Cmd.Run]. In a
// process that called [Host.Adopt] every other child is taken for an orphan and
// collected: a helper MUST be run here.
func (h *Host) Run(cmd *exec.Cmd) error {
	if err := h.born(cmd); err != nil {
		return err
	}
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.live, cmd.Process.Pid)
	}()
	return cmd.Wait()
}
