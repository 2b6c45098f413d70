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

const (
	hmacKeyName = "hmac"
	logKeyName  = "log"
	hmacKeySize = 32
	pemType     = "PRIVATE KEY"
)

// loadKeys reads the keys and makes those that are missing. The directory's
// lock is held.
//
// A log without its keys is not given new ones: the chains name the instance,
// and a second instance in their place is what an attacker would make.
func (d *Dir) loadKeys() error {
	var err error
	if d.hmac, err = d.key(hmacKeyName, newHMACKey); err != nil {
		return err
	}
	if len(d.hmac) != hmacKeySize {
		return fmt.Errorf("state: %s: %d bytes, expected %d", d.keyPath(hmacKeyName), len(d.hmac), hmacKeySize)
	}
	text, err := d.key(logKeyName, newLogKey)
	if err != nil {
		return err
	}
	if d.log, err = parseLogKey(text); err != nil {
		return fmt.Errorf("state: %s: %w", d.keyPath(logKeyName), err)
	}
	d.instance = audit.InstanceID(d.log.Public().(ed25519.PublicKey))
	return nil
}

func (d *Dir) keyPath(name string) string { return filepath.Join(d.path, keysName, name) }

// key reads one key, making it where there is none and never was one.
func (d *Dir) key(name string, make func() ([]byte, error)) ([]byte, error) {
	path := d.keyPath(name)
	b, err := readPrivate(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return b, err
	}
	slots, err := os.ReadDir(d.LogDir())
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	if len(slots) > 0 {
		return nil, fmt.Errorf("state: %s is gone while %s has records (restore the key, or move the whole state directory away)", path, d.LogDir())
	}
	if b, err = make(); err != nil {
		return nil, fmt.Errorf("state: make %s: %w", path, err)
	}
	return b, writeFile(path, b)
}

func newHMACKey() ([]byte, error) {
	b := make([]byte, hmacKeySize)
	_, err := rand.Read(b)
	return b, err
}

func newLogKey() ([]byte, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der}), nil
}

// PublicKey returns the public log key of the state directory at path, for
// readers: it makes nothing and waits for no lock. The error wraps
// fs.ErrNotExist where there is no key.
func PublicKey(path string) (ed25519.PublicKey, error) {
	name := filepath.Join(path, keysName, logKeyName)
	text, err := readPrivate(name)
	if err != nil {
		return nil, err
	}
	key, err := parseLogKey(text)
	if err != nil {
		return nil, fmt.Errorf("state: %s: %w", name, err)
	}
	return key.Public().(ed25519.PublicKey), nil
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
