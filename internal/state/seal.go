package state

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/custos-zt/custos/audit"
)

const (
	sealKeyName = "seal"
	sealedName  = "replay"
	sealKeySize = 32
)

// Sealed returns the folder of a slot for sealed calls and the key they are
// sealed under, making both where they are missing. Sealed calls without their
// key are not given another one: somebody may have it in a backup.
func (d *Dir) Sealed(slot int) (dir string, key []byte, err error) {
	root := SealedRoot(d.path)
	dir = filepath.Join(root, audit.SlotName(slot))
	unlock, err := lockDir(filepath.Join(d.path, lockName))
	if err != nil {
		return "", nil, err
	}
	defer unlock()
	key, err = SealKey(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		if old, _ := os.ReadDir(root); len(old) > 0 {
			return "", nil, fmt.Errorf("state: %s is gone while %s has sealed calls (restore the key, or remove them)", d.keyPath(sealKeyName), root)
		}
		key = make([]byte, sealKeySize)
		if _, err := rand.Read(key); err != nil {
			return "", nil, fmt.Errorf("state: %w", err)
		}
		err = writeFile(d.keyPath(sealKeyName), key)
	}
	if err != nil {
		return "", nil, err
	}
	return dir, key, errors.Join(makePrivate(root), makePrivate(dir))
}

// SealedRoot returns where the state directory at path keeps sealed calls.
func SealedRoot(path string) string { return filepath.Join(path, sealedName) }

// SealKey returns the key of sealed calls of the state directory at path, for
// readers: it makes nothing. The error wraps fs.ErrNotExist where there is none.
func SealKey(path string) ([]byte, error) {
	name := filepath.Join(path, keysName, sealKeyName)
	key, err := readPrivate(name)
	if err != nil {
		return nil, err
	}
	if len(key) != sealKeySize {
		return nil, fmt.Errorf("state: %s: %d bytes, expected %d", name, len(key), sealKeySize)
	}
	return key, nil
}

// Keyed returns the keyed digest of the state directory at path, for readers: it
// makes nothing. The error wraps fs.ErrNotExist where there is no key.
func Keyed(path string) (audit.Keyed, error) {
	name := filepath.Join(path, keysName, hmacKeyName)
	key, err := readPrivate(name)
	if err != nil {
		return nil, err
	}
	if len(key) != hmacKeySize {
		return nil, fmt.Errorf("state: %s: %d bytes, expected %d", name, len(key), hmacKeySize)
	}
	d := &Dir{path: path, hmac: key}
	return d.HMAC, nil
}
