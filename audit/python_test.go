package audit

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// python runs tools/verify, which shares no code with this package, and
// returns its exit status.
func python(t *testing.T, args ...string) (status int, out string) {
	t.Helper()
	interpreter, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed: the independent verifier cannot be compared")
	}
	cmd := exec.Command(interpreter, append([]string{"-B", "../tools/verify/verify.py"}, args...)...)
	text, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(text)
}

// verdict is what Verify found, as an exit status.
func verdict(t *testing.T, logDir string, opt VerifyOptions) int {
	t.Helper()
	rep, err := Verify(logDir, opt)
	switch {
	case err != nil:
		return 17
	case rep.Tampered():
		return 10
	default:
		return 0
	}
}

// agree compares both verifiers on one log, with an earlier head or without.
func agree(t *testing.T, what, logDir string, since []byte) {
	t.Helper()
	args := []string{"log", logDir}
	if since != nil {
		head := filepath.Join(t.TempDir(), "head")
		if err := os.WriteFile(head, since, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--since", head)
	}
	want := verdict(t, logDir, VerifyOptions{Since: since})
	if status, out := python(t, args...); status != want {
		t.Errorf("%s: the independent verifier says %d, Verify says %d\n%s", what, status, want, out)
	}
}

// TestIndependentVerifierOnTheAttackerCorpus: both find, and both find nothing.
func TestIndependentVerifierOnTheAttackerCorpus(t *testing.T) {
	t.Parallel()
	logDir, dir, segs, _ := grown(t)
	agree(t, "untouched", logDir, nil)
	rng := rand.New(rand.NewPCG(5, 5))
	for _, a := range attacks() {
		s := a.strike(t, rng, dir, segs)
		agree(t, a.name, logDir, nil)
		s.undo()
	}
	last := filepath.Join(dir, segs[len(segs)-1].name)
	saved, err := os.ReadFile(last)
	if err != nil {
		t.Fatal(err)
	}
	for range 6 {
		if err := os.WriteFile(last, saved[:rng.IntN(len(saved))], 0o600); err != nil {
			t.Fatal(err)
		}
		agree(t, "truncated", logDir, nil)
	}
	for range 6 {
		flipped := append([]byte{}, saved...)
		flipped[rng.IntN(len(flipped))] ^= 1 << rng.IntN(8)
		if err := os.WriteFile(last, flipped, 0o600); err != nil {
			t.Fatal(err)
		}
		agree(t, "bit flip", logDir, nil)
	}
}

// TestIndependentVerifierOnHeads: signatures, roots and earlier heads.
func TestIndependentVerifierOnHeads(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(dir string){
		"untouched":           func(string) {},
		"cut":                 func(dir string) { cutFrames(t, dir, 3) },
		"recomputed":          func(dir string) { recompute(t, dir, 4) },
		"stolen key":          func(dir string) { recompute(t, dir, 4); resign(t, dir, testKey(1)) },
		"stolen key, cut":     func(dir string) { cutFrames(t, dir, 30); resign(t, dir, testKey(1)) },
		"another key":         func(dir string) { resign(t, dir, testKey(2)) },
		"checkpoint removed":  func(dir string) { _ = os.Remove(filepath.Join(dir, checkpointName)) },
		"checkpoint is empty": func(dir string) { _ = os.Truncate(filepath.Join(dir, checkpointName), 0) },
	} {
		logDir, dir, since := signedLog(t)
		do(dir)
		agree(t, name, logDir, nil)
		agree(t, name+", earlier head", logDir, since)
	}
}

// TestIndependentVerifierOnProofs: what CheckProof accepts and what it refuses.
func TestIndependentVerifierOnProofs(t *testing.T) {
	t.Parallel()
	logDir, _, _ := signedLog(t)
	data, err := Prove(logDir, FormatID(0, 14), NewKeys(public(testKey(1))))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "proof")
	rng := rand.New(rand.NewPCG(3, 3))
	for round := range 15 {
		changed := append([]byte{}, data...)
		if round > 0 {
			changed[rng.IntN(len(changed))] ^= 1
		}
		if err := os.WriteFile(file, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := CheckProof(changed, Keys{})
		if status, out := python(t, "proof", file); (status == 0) != (err == nil) {
			t.Errorf("round %d: the independent verifier says %d, CheckProof says %v\n%s", round, status, err, out)
		}
	}
}
