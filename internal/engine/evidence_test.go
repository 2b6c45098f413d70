package engine

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/state"
)

// TestIntruderIsFoundAndShown: somebody replaces the file that is being
// written. The next record is not durable, the owner hears of it, and other
// processes see it.
func TestIntruderIsFoundAndShown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	told := make(chan error, 1)
	ev, err := OpenEvidence(EvidenceOptions{StateDir: path, Failed: func(err error) { told <- err }})
	if err != nil {
		t.Fatal(err)
	}
	defer ev.Close()
	if err := ev.Slot.Describe(state.Description{Backend: "files"}); err != nil {
		t.Fatal(err)
	}
	if err := ev.Log.Append(audit.Record{Kind: audit.KindStart}).Wait(); err != nil {
		t.Fatal(err)
	}
	segments, err := filepath.Glob(filepath.Join(ev.Slot.LogDir(), "*.seg"))
	if err != nil || len(segments) != 1 {
		t.Fatalf("%v, %v", segments, err)
	}
	data, err := os.ReadFile(segments[0])
	if err == nil {
		err = os.WriteFile(segments[0]+".new", data, 0o600)
	}
	if err == nil {
		err = os.Rename(segments[0]+".new", segments[0])
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := ev.Log.Append(audit.Record{Kind: audit.KindStart}).Wait(); !errors.Is(err, audit.ErrTampered) {
		t.Fatalf("the next record: %v", err)
	}
	if err := <-told; !errors.Is(err, audit.ErrTampered) {
		t.Errorf("told %v", err)
	}
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		list, err := ev.Dir.Running()
		if err == nil && len(list) == 1 && strings.Contains(list[0].Degraded, "replaced by another file") {
			return
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("other processes see %+v, %v", list, err)
		}
	}
}
