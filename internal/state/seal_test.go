package state

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestSealKeyIsMadeOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	d := open(t, path)
	if _, err := SealKey(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("a key before anything was sealed: %v", err)
	}
	s, err := d.AcquireSlot() // a log does not keep the key from being made
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var wg sync.WaitGroup
	keys := make([][]byte, 8)
	for i := range keys {
		wg.Go(func() {
			dir, key, err := d.Sealed(i % 2)
			if err != nil {
				t.Error(err)
				return
			}
			keys[i] = key
			if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("%s: %v", dir, err)
			}
		})
	}
	wg.Wait()
	for _, k := range keys {
		if !bytes.Equal(k, keys[0]) {
			t.Fatal("two keys were made at once")
		}
	}
	if info, err := os.Stat(filepath.Join(path, "keys", "seal")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key: %v", err)
	}
	if err := os.Remove(filepath.Join(path, "keys", "seal")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.Sealed(0); err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("sealed calls without their key: %v", err)
	}
}

func TestBrokenSealKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	d := open(t, path)
	name := filepath.Join(path, "keys", "seal")
	if err := os.WriteFile(name, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.Sealed(0); err == nil || strings.Contains(err.Error(), "short") {
		t.Errorf("a broken key: %v", err)
	}
	if err := os.Chmod(name, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := SealKey(path); err == nil {
		t.Error("a key open to others is read")
	}
}

func TestKeyedForReaders(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	if _, err := Keyed(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("before the first run: %v", err)
	}
	d := open(t, path)
	k, err := Keyed(path)
	if err != nil || k("p", []byte("x")) != d.HMAC("p", []byte("x")) {
		t.Fatalf("another digest: %v", err)
	}
}
