package upstream

import (
	"os"
	"os/exec"
	"testing"
)

// rerun runs one test of this binary in a process of its own.
func rerun(t *testing.T, name, env string) string {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+name+"$", "-test.v")
	cmd.Env = append(os.Environ(), env)
	out, err := cmd.CombinedOutput()
	if err != nil && env != "CUSTOS_TEST_DIE=1" {
		t.Fatalf("%s in its own process: %v\n%s", name, err, out)
	}
	return string(out)
}
