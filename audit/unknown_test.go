package audit

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestUnknownOutcomesOfDeadProcesses: verify names the calls that were admitted
// by processes which are gone, in slots that nobody opens again, and not those
// of a process that runs.
func TestUnknownOutcomesOfDeadProcesses(t *testing.T) {
	logDir, dir := slot(t)
	opt := signing(t)
	var want [][]uint64
	for n := range 3 {
		path := filepath.Join(filepath.Dir(dir), SlotName(n))
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
		lock, err := Lock(path)
		if err != nil {
			t.Fatal(err)
		}
		opt.Slot = n
		l := mustOpen(t, path, opt)
		finished, lost := l.Append(admission(1)), l.Append(admission(2))
		mustWait(t, l.Append(outcome(finished.Seq())))
		if n == 2 { // it runs on
			want = append(want, nil)
			defer mustClose(t, l)
			defer lock.Close()
			continue
		}
		want = append(want, []uint64{lost.Seq()})
		mustClose(t, l)
		lock.Close()
	}
	rep, err := Verify(logDir, VerifyOptions{})
	if err != nil || rep.Tampered() {
		t.Fatalf("verify: %v, %+v", err, rep.FirstBad())
	}
	for n, s := range rep.Slots {
		if !slices.Equal(s.OutcomeUnknown, want[n]) {
			t.Errorf("slot %d: calls of unknown outcome %d, want %d", n, s.OutcomeUnknown, want[n])
		}
	}
}
