package cli

import (
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/config"
	"github.com/custos-zt/custos/internal/engine"
	"github.com/custos-zt/custos/internal/sink"
	"github.com/custos-zt/custos/internal/state"
)

// What a configured sink does not have stays in the log, long after its time;
// once it is delivered it goes.
func TestRetentionWaitsForSinks(t *testing.T) {
	conf := config.Config{Sinks: config.Sinks{JSONL: &config.JSONL{Dir: t.TempDir(), Format: config.FormatNDJSON, Size: 1 << 20}}}
	var asked atomic.Int64
	opt := engine.EvidenceOptions{StateDir: filepath.Join(t.TempDir(), "state"), SegmentSize: 4 << 10}
	record := func(n int) (first func() uint64, end func()) {
		ev, err := engine.OpenEvidence(opt)
		if err != nil {
			t.Fatal(err)
		}
		write := func() {
			if err := ev.Log.Append(audit.Record{Kind: audit.KindStart, Detail: "a record"}).Wait(); err != nil {
				t.Fatal(err)
			}
		}
		for range n {
			write()
		}
		return func() uint64 {
				write()
				seq, err := audit.FirstSeq(filepath.Dir(ev.Slot.LogDir()), ev.Slot.Number())
				if err != nil {
					t.Fatal(err)
				}
				return seq
			}, func() {
				if err := ev.Close(); err != nil {
					t.Fatal(err)
				}
			}
	}
	_, end := record(100)
	end()
	opt.Retention = time.Nanosecond
	opt.Delivered = func(dir *state.Dir, slot int) map[string]uint64 {
		asked.Add(1)
		return delivered(conf)(dir, slot)
	}
	first, end := record(1)
	eventually(t, "the log asks", func() bool { return first() > 0 && asked.Load() > 0 })
	end()
	if seq := first0(t, opt.StateDir); seq != 1 {
		t.Fatalf("the log begins with record %d, and the sink has none", seq)
	}
	dir, err := state.OpenExisting(opt.StateDir)
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := dir.LockSinks()
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	a := &app{getenv: func(string) string { return "" }}
	if err := sink.Ship(t.Context(), a.shipping(conf, dir, true)); err != nil {
		t.Fatal(err)
	}
	first, end = record(1)
	eventually(t, "what was delivered expires", func() bool { return first() > 1 })
	end()
}

// first0 is the first record of slot 0.
func first0(t *testing.T, stateDir string) uint64 {
	t.Helper()
	seq, err := audit.FirstSeq(filepath.Join(stateDir, "log"), 0)
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not in a minute", what)
		}
	}
}
