package state

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/custos-zt/custos/audit"
)

// Sealing reaches every chain that nobody writes, also those of processes that
// died and whose slots nobody took again, and no other.
func TestSealLog(t *testing.T) {
	d, err := Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	var slots []*Slot
	var logs []*audit.Log
	for range 3 {
		s, err := d.AcquireSlot()
		if err != nil {
			t.Fatal(err)
		}
		l, err := audit.Open(s.LogDir(), audit.Options{Slot: s.Number(), Instance: d.Instance(), Key: d.LogKey(), Keys: d.LogKeys()})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Append(audit.Record{Kind: audit.KindStart}).Wait(); err != nil {
			t.Fatal(err)
		}
		slots, logs = append(slots, s), append(logs, l)
	}
	for i := range 2 { // the third goes on
		if err := errors.Join(logs[i].Close(), slots[i].Close()); err != nil {
			t.Fatal(err)
		}
	}
	done, held, err := d.SealLog(SealOptions{Reason: "test"})
	if err != nil || len(done) != 2 || len(held) != 1 || held[0] != 2 {
		t.Fatalf("sealed %+v, held %v, %v", done, held, err)
	}
	if err := logs[2].Append(audit.Record{Kind: audit.KindStop}).Wait(); err != nil {
		t.Errorf("the chain that was left alone: %v", err)
	}
	if _, _, err := d.SealLog(SealOptions{Slots: []int{9}}); !errors.Is(err, audit.ErrNotFound) {
		t.Errorf("a slot that is not there: %v", err)
	}
	if err := errors.Join(logs[2].Close(), slots[2].Close()); err != nil {
		t.Fatal(err)
	}
	rep, err := audit.Verify(d.LogDir(), audit.VerifyOptions{Keys: d.LogKeys()})
	if err != nil || rep.Tampered() || !rep.Slots[0].Sealed || !rep.Slots[1].Sealed || rep.Slots[2].Sealed {
		t.Fatalf("verify: %v, %+v", err, rep)
	}
}
