package state

import (
	"crypto/ed25519"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/custos-zt/custos/audit"
)

// memoryKeys is a key store that is not the state directory, and breaks after a
// number of changes where that is above 0.
type memoryKeys struct {
	keys  map[string][]byte
	fuse  int
	burnt bool
}

var errBurnt = errors.New("the store is gone")

func (m *memoryKeys) Load(name string) ([]byte, error) {
	if key, ok := m.keys[name]; ok {
		return key, nil
	}
	return nil, fs.ErrNotExist
}

// change counts down to the moment from which nothing can be changed.
func (m *memoryKeys) change() error {
	if m.fuse--; m.fuse == 0 {
		m.burnt = true
	}
	if m.burnt {
		return errBurnt
	}
	return nil
}

func (m *memoryKeys) Save(name string, key []byte) error {
	if err := m.change(); err != nil {
		return err
	}
	m.keys[name] = key
	return nil
}

func (m *memoryKeys) Remove(name string) error {
	if err := m.change(); err != nil {
		return err
	}
	delete(m.keys, name)
	return nil
}

// record writes one record into the lowest slots of a state directory, as that
// many processes would at once.
func record(t *testing.T, path string, opt Options, slots int) {
	t.Helper()
	for n := range slots {
		d, err := OpenWith(path, opt)
		if err != nil {
			t.Fatal(err)
		}
		s, err := d.AcquireSlot()
		if err != nil || s.Number() != n {
			t.Fatalf("slot %v, %v", s, err)
		}
		defer s.Close()
		l, err := audit.Open(s.LogDir(), audit.Options{Slot: n, Instance: d.Instance(), Key: d.LogKey(), Keys: d.LogKeys()})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Append(audit.Record{Kind: audit.KindStart}).Wait(); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// intact verifies the log with the keys that readers see.
func intact(t *testing.T, path string) audit.Report {
	t.Helper()
	keys, err := PublicKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	rep, err := audit.Verify(filepath.Join(path, logName), audit.VerifyOptions{Keys: keys})
	if err != nil || rep.Tampered() || rep.NotCheckpointed() != 0 {
		t.Fatalf("%v, %+v, %d not checkpointed", err, rep.FirstBad(), rep.NotCheckpointed())
	}
	return rep
}

func TestRotateKey(t *testing.T) {
	for name, opt := range map[string]Options{"files": {}, "store": {Keys: &memoryKeys{keys: map[string][]byte{}}}} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state")
			record(t, path, opt, 3)
			before, err := PublicKeys(path)
			if err != nil {
				t.Fatal(err)
			}
			for n := 2; n <= 4; n++ {
				keys, err := RotateKey(path, opt)
				if err != nil || keys.Len() != n || !keys.Extends(before) || keys.Instance() != before.Instance() {
					t.Fatalf("%d keys, %v", keys.Len(), err)
				}
				if seen, err := PublicKeys(path); err != nil || !seen.Extends(keys) {
					t.Fatalf("readers see %d keys, %v", seen.Len(), err)
				}
				intact(t, path)
				record(t, path, opt, 4)
				intact(t, path)
			}
			if _, err := os.Lstat(filepath.Join(path, keysName, logKeyName)); (err == nil) != (opt.Keys == nil) {
				t.Errorf("the key in its file: %v", err)
			}
			left, err := filepath.Glob(filepath.Join(path, keysName, "*next*"))
			if err != nil || len(left) != 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// TestRotateKeyWhileRunning: a key that somebody signs with is not replaced.
func TestRotateKeyWhileRunning(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.AcquireSlot()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := RotateKey(path, Options{}); !errors.Is(err, ErrInUse) {
		t.Fatalf("while a process runs: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if keys, err := RotateKey(path, Options{}); err != nil || keys.Len() != 2 {
		t.Fatalf("%d keys, %v", keys.Len(), err)
	}
}

// TestRotationCutShort: wherever the way of a rotation ends, the directory
// works on, and the next rotation completes this one.
func TestRotationCutShort(t *testing.T) {
	for fuse := 1; fuse <= 3; fuse++ {
		store := &memoryKeys{keys: map[string][]byte{}}
		opt := Options{Keys: store}
		path := filepath.Join(t.TempDir(), "state")
		record(t, path, opt, 2)
		store.fuse = fuse
		if _, err := RotateKey(path, opt); !errors.Is(err, errBurnt) {
			t.Fatalf("fuse %d: %v", fuse, err)
		}
		store.burnt = false
		intact(t, path)
		record(t, path, opt, 3)
		intact(t, path)
		if keys, err := RotateKey(path, opt); err != nil || keys.Len() < 2 {
			t.Fatalf("fuse %d: again: %d keys, %v", fuse, keys.Len(), err)
		}
		intact(t, path)
	}
}

// TestLostLogKey: a directory whose key is gone does not get another one.
func TestLostLogKey(t *testing.T) {
	store := &memoryKeys{keys: map[string][]byte{}}
	path := filepath.Join(t.TempDir(), "state")
	record(t, path, Options{Keys: store}, 1)
	delete(store.keys, logKeyName)
	if _, err := OpenWith(path, Options{Keys: store}); err == nil {
		t.Fatal("opened without its key")
	}
	_, other, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	d := &Dir{path: path, opt: Options{Keys: store}}
	if err := d.saveLogKey(logKeyName, other); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenWith(path, Options{Keys: store}); err == nil {
		t.Fatal("opened with another key than the one it names")
	}
}
