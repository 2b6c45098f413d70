package peers

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Browser is a headless Chromium, and the directory with its libraries. Where
// it cannot be had, which scripts/browser.sh says, the test is skipped: it is a
// program for one kind of machine. Under CUSTOS_RELIABILITY the test fails.
func Browser(t testing.TB) (program, libraries string) {
	t.Helper()
	install := exec.Command(filepath.Join(Root(t), "scripts/browser.sh"))
	out, err := install.CombinedOutput()
	var ended *exec.ExitError
	switch {
	case errors.As(err, &ended) && ended.ExitCode() == 3 && os.Getenv("CUSTOS_RELIABILITY") == "":
		t.Skipf("there is no browser: %s", out)
	case err != nil:
		t.Fatalf("scripts/browser.sh: %v\n%s", err, out)
	}
	bin := filepath.Join(Root(t), ".peers/browser/bin")
	return filepath.Join(bin, "chromium"), filepath.Join(bin, "lib")
}
