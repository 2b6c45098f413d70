package audit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/custos-zt/custos/access"
)

// admission returns a record of the usual size.
func admission(i int) Record {
	return Record{
		Kind: KindAdmission, RPCID: fmt.Sprint(i), Method: "tools/call", Backend: "files", Tool: "write_file",
		Decision: access.Allow, Reason: access.RuleAllowed, Rule: "files", Position: "laptop.yaml:41", Layer: "global",
		Matched:      []access.Match{{Rule: "files", Effect: access.Allow, Truth: access.True, Position: "laptop.yaml:41"}},
		PolicyDigest: "sha256:5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5",
		Subject:      "os:dev", Client: "claude-code", Session: "s_1", Isolation: "same-user",
		Args: &Args{Names: []string{"content", "path"}, Types: []string{"string", "string"}, Lengths: []int{400, 12}, Count: 2, Bytes: 412},
	}
}

func outcome(admission uint64) Record {
	return Record{Kind: KindOutcome, Admission: admission, Status: StatusOK, Bytes: 120, DurationUS: 842}
}

func options(t testing.TB) Options {
	t.Helper()
	return Options{Instance: "i_TEST"}
}

// slot makes an empty slot directory and returns the log directory and it.
func slot(t testing.TB) (logDir, dir string) {
	t.Helper()
	logDir = t.TempDir()
	dir = filepath.Join(logDir, SlotName(0))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return logDir, dir
}

func mustOpen(t testing.TB, dir string, opt Options) *Log {
	t.Helper()
	l, err := Open(dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func mustClose(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func mustWait(t testing.TB, tk Ticket) {
	t.Helper()
	if err := tk.Wait(); err != nil {
		t.Fatal(err)
	}
}

func TestAppendReopen(t *testing.T) {
	_, dir := slot(t)
	for round := range 3 {
		l := mustOpen(t, dir, options(t))
		for i := range 10 {
			a := l.Append(admission(i))
			mustWait(t, a)
			mustWait(t, l.AppendLazy(outcome(a.Seq())))
		}
		if got, want := l.Head().Seq, uint64(1+20*(round+1)); got != want {
			t.Fatalf("round %d: head at %d, want %d", round, got, want)
		}
		mustClose(t, l)
	}
}

func TestCloseRefuses(t *testing.T) {
	_, dir := slot(t)
	l := mustOpen(t, dir, options(t))
	mustClose(t, l)
	if err := l.Append(admission(1)).Wait(); !errors.Is(err, ErrClosed) {
		t.Fatalf("append after close: %v", err)
	}
}

func TestLazyIsDurableSoon(t *testing.T) {
	_, dir := slot(t)
	l := mustOpen(t, dir, options(t))
	defer mustClose(t, l)
	began := time.Now()
	tk := l.AppendLazy(outcome(1))
	mustWait(t, tk)
	if d := time.Since(began); d < lazyDelay/2 || d > 2*time.Second {
		t.Fatalf("a lazy record took %v, want about %v", d, lazyDelay)
	}
}
