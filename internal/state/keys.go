package state

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/custos-zt/custos/audit"
)

// The names of keys. A key that is to replace the log key lies beside it until
// every chain says so.
const (
	hmacKeyName    = "hmac"
	logKeyName     = "log"
	nextKeyName    = "log.next"
	publicName     = "log.pub"
	nextPublicName = "log.pub.next"
	hmacKeySize    = 32
	pemType        = "PRIVATE KEY"
)

// KeyStore keeps private log keys by name. An error of Load wraps
// fs.ErrNotExist where there is no key of that name; no error repeats what a
// key holds.
type KeyStore interface {
	Load(name string) ([]byte, error)
	Save(name string, key []byte) error
	Remove(name string) error
}

// keyFiles keeps keys in files that the user alone can read.
type keyFiles struct{ dir string }

func (k keyFiles) Load(name string) ([]byte, error) { return readPrivate(filepath.Join(k.dir, name)) }

func (k keyFiles) Save(name string, key []byte) error {
	return writeFile(filepath.Join(k.dir, name), key)
}

func (k keyFiles) Remove(name string) error { return removeTemp(filepath.Join(k.dir, name)) }

// loadKeys reads the keys and makes those that are missing. The directory's
// lock is held.
//
// A log without its keys is not given new ones: the chains name the instance,
// and a second instance in their place is what an attacker would make.
func (d *Dir) loadKeys() error {
	var err error
	if d.hmac, err = d.loadHMAC(); err != nil {
		return err
	}
	if d.keys, err = readKeys(filepath.Join(d.path, keysName)); err != nil {
		return err
	}
	if d.keys.IsZero() {
		return d.firstLogKey()
	}
	for _, name := range []string{logKeyName, nextKeyName} {
		key, err := d.loadLogKey(name)
		if err == nil && d.keys.Current().Equal(key.Public()) {
			d.log = key
			return nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return fmt.Errorf("state: the log key %s is gone: restore it, or move the whole state directory %s away", audit.Fingerprint(d.keys.Current()), d.path)
}

// loadHMAC reads the key of keyed digests, or makes it in a new directory.
func (d *Dir) loadHMAC() ([]byte, error) {
	files := keyFiles{filepath.Join(d.path, keysName)}
	key, err := files.Load(hmacKeyName)
	if errors.Is(err, fs.ErrNotExist) {
		if err := d.unbegun(hmacKeyName); err != nil {
			return nil, err
		}
		key = make([]byte, hmacKeySize)
		if _, err := rand.Read(key); err != nil {
			return nil, fmt.Errorf("state: %w", err)
		}
		err = files.Save(hmacKeyName, key)
	}
	if err == nil && len(key) != hmacKeySize {
		err = fmt.Errorf("state: %s: %d bytes, expected %d", d.keyPath(hmacKeyName), len(key), hmacKeySize)
	}
	return key, err
}

// unbegun refuses to make a key for a log that has records.
func (d *Dir) unbegun(name string) error {
	slots, err := os.ReadDir(d.LogDir())
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	if len(slots) > 0 {
		return fmt.Errorf("state: %s is gone while %s has records (restore the key, or move the whole state directory away)", d.keyPath(name), d.LogDir())
	}
	return nil
}

// firstLogKey takes the log key of a directory that does not name its public
// half yet, or makes one.
func (d *Dir) firstLogKey() error {
	key, err := d.loadLogKey(logKeyName)
	if errors.Is(err, fs.ErrNotExist) {
		if err := d.unbegun(logKeyName); err != nil {
			return err
		}
		key, err = d.makeLogKey(logKeyName)
	}
	if err != nil {
		return err
	}
	d.log, d.keys = key, audit.NewKeys(key.Public().(ed25519.PublicKey))
	if d.opt.Keys == nil {
		return nil // the public half is read from the key beside it
	}
	return d.writeKeys(publicName, d.keys)
}

func (d *Dir) keyPath(name string) string { return filepath.Join(d.path, keysName, name) }

// store returns where private log keys are kept.
func (d *Dir) store() KeyStore {
	if d.opt.Keys != nil {
		return d.opt.Keys
	}
	return keyFiles{filepath.Join(d.path, keysName)}
}

// loadLogKey reads a private log key from where it is kept. A key that was made
// before it was to be kept elsewhere is found in its file.
func (d *Dir) loadLogKey(name string) (ed25519.PrivateKey, error) {
	text, err := d.store().Load(name)
	if errors.Is(err, fs.ErrNotExist) && d.opt.Keys != nil {
		text, err = keyFiles{filepath.Join(d.path, keysName)}.Load(name)
	}
	if err != nil {
		return nil, err
	}
	key, err := parseLogKey(text)
	if err != nil {
		return nil, fmt.Errorf("state: %s: %w", d.keyPath(name), err)
	}
	return key, nil
}

// makeLogKey makes a private log key and keeps it.
func (d *Dir) makeLogKey(name string) (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	return key, d.saveLogKey(name, key)
}

func (d *Dir) saveLogKey(name string, key ed25519.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	return d.store().Save(name, pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der}))
}

// removeLogKey removes a private log key from wherever it is kept.
func (d *Dir) removeLogKey(name string) error {
	err := d.store().Remove(name)
	if d.opt.Keys != nil {
		err = errors.Join(err, keyFiles{filepath.Join(d.path, keysName)}.Remove(name))
	}
	return err
}

// writeKeys keeps the public log keys.
func (d *Dir) writeKeys(name string, keys audit.Keys) error {
	text, err := audit.FormatKeys(keys)
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	return writeFile(d.keyPath(name), []byte(text))
}

// readKeys returns the public log keys for those who write: a rotation that was
// begun is in force. It returns none in a directory that names none.
func readKeys(dir string) (audit.Keys, error) {
	for _, name := range []string{nextPublicName, publicName} {
		text, err := readPrivate(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return audit.Keys{}, err
		}
		keys, err := audit.ParseKeys(string(text))
		if err != nil {
			return keys, fmt.Errorf("state: %s: %w", filepath.Join(dir, name), err)
		}
		return keys, nil
	}
	return audit.Keys{}, nil
}

// PublicKeys returns the public log keys of the state directory at path, for
// readers: it makes nothing and waits for no lock. Of a rotation that did not
// reach every chain yet it says nothing. The error wraps fs.ErrNotExist where
// there is no key.
func PublicKeys(path string) (audit.Keys, error) {
	dir := filepath.Join(path, keysName)
	name := filepath.Join(dir, publicName)
	text, err := readPrivate(name)
	if err == nil {
		keys, err := audit.ParseKeys(string(text))
		if err != nil {
			return keys, fmt.Errorf("state: %s: %w", name, err)
		}
		return keys, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return audit.Keys{}, err
	}
	if text, err = (keyFiles{dir}).Load(logKeyName); err != nil {
		return audit.Keys{}, err
	}
	key, err := parseLogKey(text)
	if err != nil {
		return audit.Keys{}, fmt.Errorf("state: %s: %w", filepath.Join(dir, logKeyName), err)
	}
	return audit.NewKeys(key.Public().(ed25519.PublicKey)), nil
}

// parseLogKey reads a PKCS#8 Ed25519 key in PEM. Its errors never repeat what
// the file holds.
func parseLogKey(text []byte) (ed25519.PrivateKey, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != pemType || len(rest) != 0 {
		return nil, errors.New("not one PEM private key")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("not a PKCS#8 private key")
	}
	log, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("not an Ed25519 key")
	}
	return log, nil
}
