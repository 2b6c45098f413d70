package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/custos-zt/custos/audit"
)

// SealOptions say which chains to seal, and why.
type SealOptions struct {
	// Slots narrows; nil: every chain there is.
	Slots []int
	// Reason stands in the record.
	Reason string
	// Secondary is where a log that failed may have left its last words.
	Secondary string
}

// SealLog seals the chains that no process writes: see [audit.Seal]. It returns
// what it did and the slots that were left alone because a process holds them.
// On an error, what was sealed before stays so and is in the result.
func (d *Dir) SealLog(o SealOptions) (done []audit.Sealed, held []int, err error) {
	slots, err := audit.Slots(d.LogDir())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	for _, n := range o.Slots {
		if !slices.Contains(slots, n) {
			return nil, nil, fmt.Errorf("state: %w: there is no slot %s", audit.ErrNotFound, audit.SlotName(n))
		}
	}
	for _, n := range slots {
		if o.Slots != nil && !slices.Contains(o.Slots, n) {
			continue
		}
		lock, err := audit.Lock(d.slotDir(n))
		if errors.Is(err, audit.ErrLocked) {
			held = append(held, n)
			continue
		}
		if err != nil {
			return done, held, fmt.Errorf("state: slot %d: %w", n, err)
		}
		s, err := d.sealSlot(n, lock, o)
		if errors.Is(err, audit.ErrNotFound) && o.Slots == nil {
			continue // taken once, and never written
		}
		if err != nil {
			return done, held, err
		}
		done = append(done, s)
	}
	return done, held, nil
}

// sealSlot seals one chain under its lock, which it gives back.
func (d *Dir) sealSlot(n int, lock *os.File, o SealOptions) (audit.Sealed, error) {
	defer lock.Close()
	return audit.Seal(d.slotDir(n), audit.Options{
		Slot: n, Instance: d.Instance(), Key: d.LogKey(), Keys: d.LogKeys(), Secondary: o.Secondary,
	}, o.Reason)
}
