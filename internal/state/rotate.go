package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/custos-zt/custos/audit"
)

// ErrInUse refuses to replace a key that a running process signs with.
var ErrInUse = errors.New("a running process signs with this key")

// RotateKey replaces the log key: a new one is made, every chain gets a record
// about it that the old key signed and a head that the new key signed, and the
// old one is removed. It returns the public keys from then on. While a process
// writes one of the chains nothing is changed, and the error wraps [ErrInUse].
//
// Where it is cut short, the state directory works on under the new key, and
// the next RotateKey completes the one that was begun instead of beginning
// another.
func RotateKey(path string, opt Options) (audit.Keys, error) {
	if _, err := OpenExisting(path); err != nil {
		return audit.Keys{}, err
	}
	d, err := OpenWith(path, opt)
	if err != nil {
		return audit.Keys{}, err
	}
	unlock, err := lockDir(filepath.Join(d.path, lockName))
	if err != nil {
		return audit.Keys{}, err
	}
	defer unlock()
	slots, err := d.lockSlots()
	defer func() {
		for _, s := range slots {
			s.lock.Close()
		}
	}()
	if err != nil {
		return audit.Keys{}, err
	}
	if err := d.loadKeys(); err != nil { // somebody else may have been first
		return audit.Keys{}, err
	}
	begun, err := exists(d.keyPath(nextPublicName))
	if err == nil && !begun {
		err = d.beginRotation()
	}
	for i := 0; err == nil && i < len(slots); i++ {
		err = d.rotateSlot(slots[i])
	}
	if err == nil {
		err = d.endRotation()
	}
	return d.keys, err
}

func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// lockSlots takes every slot that has ever been used, so that nobody signs
// meanwhile. What it took stands in its result beside an error too.
func (d *Dir) lockSlots() ([]*Slot, error) {
	var list []*Slot
	for n := range maxSlots {
		dir := d.slotDir(n)
		there, err := exists(dir)
		if err != nil {
			return list, fmt.Errorf("state: %w", err)
		}
		if !there {
			continue
		}
		lock, err := audit.Lock(dir)
		if errors.Is(err, audit.ErrLocked) {
			return list, fmt.Errorf("state: %w: slot %s of %s", ErrInUse, audit.SlotName(n), d.path)
		}
		if err != nil {
			return list, fmt.Errorf("state: slot %d: %w", n, err)
		}
		list = append(list, &Slot{dir: d, number: n, lock: lock})
	}
	return list, nil
}

// beginRotation makes the new key. From the moment its public half is named,
// the new key is in force.
func (d *Dir) beginRotation() error {
	next, err := d.makeLogKey(nextKeyName)
	if err != nil {
		return err
	}
	keys, err := d.keys.Rotate(d.log, next)
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	if err := d.writeKeys(nextPublicName, keys); err != nil {
		return err
	}
	d.log, d.keys = next, keys
	return nil
}

// rotateSlot records in one chain that the key was replaced. Opening a chain
// does that by itself.
func (d *Dir) rotateSlot(s *Slot) error {
	l, err := audit.Open(s.LogDir(), audit.Options{Slot: s.number, Instance: d.Instance(), Key: d.log, Keys: d.keys})
	if err != nil {
		return err
	}
	return l.Close()
}

// endRotation makes the new key the log key and removes the old one. A crash
// between any two steps leaves a directory that opens under the new key.
func (d *Dir) endRotation() error {
	if err := d.writeKeys(publicName, d.keys); err != nil {
		return err
	}
	if err := d.saveLogKey(logKeyName, d.log); err != nil {
		return err
	}
	if d.opt.Keys != nil {
		if err := (keyFiles{filepath.Join(d.path, keysName)}).Remove(logKeyName); err != nil {
			return err
		}
	}
	if err := d.removeLogKey(nextKeyName); err != nil {
		return err
	}
	return removeTemp(d.keyPath(nextPublicName))
}

// LogKeys returns the public log keys of this instance, the last of which
// belongs to [Dir.LogKey].
func (d *Dir) LogKeys() audit.Keys { return d.keys }
