package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The state directory lies on a disk that takes nothing any more, not even into
// space that was taken before; the last words go to the other disk, and the next
// run reads them there.
func TestLastWordsOnAnotherDisk(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	dir := t.TempDir()
	state, other := filepath.Join(dir, "state"), filepath.Join(dir, "other disk")
	if err := os.Mkdir(other, 0o700); err != nil {
		t.Fatal(err)
	}
	conf := write(t, filepath.Join(dir, "custos.yaml"), "version: 1\naudit: {secondary: "+other+"}\n")
	env := []string{"env", "CUSTOS_CONFIG=" + conf}
	// Both the segment and the emergency file beside it fail, whichever thread
	// gets to them.
	fault := strace(t, "pwrite64:error=EIO:when=12+", firstSegment(state))
	fault = append(fault, "-P", filepath.Join(state, "log", "00", "emergency"))
	g := l.guard(t, setup{state: state, wrap: append(fault, env...)})
	g.losesEvidence(nil)
	words, err := filepath.Glob(filepath.Join(other, "custos-i_*-00.emergency"))
	if err != nil || len(words) != 1 {
		t.Fatalf("on the other disk lie %q, %v", words, err)
	}
	if b, err := os.ReadFile(words[0]); err != nil || !strings.Contains(string(b), `"signature":"`) || !strings.Contains(string(b), "input/output error") {
		t.Errorf("the last words are %.300q, %v", b, err)
	}
	l.verified(t, state)
	l.goesOn(t, setup{state: state, wrap: env}, g.executed())
	l.toldOnce(t, state)
}

// A second place that is not there is found out before anything runs.
func TestLastWordsNowhere(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	dir := t.TempDir()
	conf := write(t, filepath.Join(dir, "custos.yaml"), "version: 1\naudit: {secondary: not-mounted}\n")
	g := l.guard(t, setup{state: filepath.Join(dir, "state"), wrap: []string{"env", "CUSTOS_CONFIG=" + conf}, command: []string{"/bin/sh", "-c", "echo here I am >&2"}})
	if got := g.Wait(); got != 10 {
		t.Errorf("status %d, want 10", got)
	}
	g.says("not-mounted")
	g.says("the server was not started")
	if strings.Contains(g.Stderr(), "here I am") {
		t.Errorf("the server was started:\n%s", g.Stderr())
	}
}
