package upstream

import (
	"errors"
	"os"
	"os/exec"
	"sync"
	"testing"
)

// A helper's end is its own to report, also while orphans are collected.
func TestRunReportsTheEndOfAHelper(t *testing.T) {
	if os.Getenv("CUSTOS_TEST_HELPER") == "" {
		// Collecting orphans takes every child of the process: use another one.
		rerun(t, "TestRunReportsTheEndOfAHelper", "CUSTOS_TEST_HELPER=1")
		return
	}
	h := &Host{}
	if err := h.Adopt(); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			var ended *exec.ExitError
			if err := h.Run(exec.Command("sh", "-c", "exit 3")); !errors.As(err, &ended) || ended.ExitCode() != 3 {
				t.Errorf("%v", err)
			}
		})
	}
	all.Wait()
	if len(h.live) > 0 {
		t.Errorf("%d are not forgotten", len(h.live))
	}
	if err := h.Run(exec.Command("/no/such/program")); err == nil {
		t.Error("a program that is not there ran")
	}
}
