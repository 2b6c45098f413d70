// Package keychain keeps the private log key in the keychain of the operating
// system: the Secret Service on Linux, the Keychain on macOS, the Credential
// Manager on Windows. There the key leaves the file system, and a copy of the
// state directory does not hold it.
//
// It does not keep a key from whoever runs as the same user: an unlocked
// keychain answers every program of its owner.
package keychain

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/zalando/go-keyring"
)

// service is the name under which items lie in the keychain.
const service = "custos"

// patience is how long a keychain may take to answer. Its owner may have to
// unlock it first.
const patience = 30 * time.Second

// ErrUnavailable marks a machine without a keychain that answers.
var ErrUnavailable = errors.New("the keychain of this machine does not answer")

// Store keeps keys by name; it is the state.KeyStore of one state directory.
type Store struct {
	// Owner tells the items of one state directory from those of another: its
	// path.
	Owner string
	// Wait is how long a keychain may take to answer; 0: half a minute.
	Wait time.Duration
}

// Load returns a key. The error wraps fs.ErrNotExist where there is none, and
// [ErrUnavailable] where nobody can tell.
func (s Store) Load(name string) ([]byte, error) {
	var text string
	err := s.ask(func() (err error) {
		text, err = keyring.Get(service, s.item(name))
		return err
	})
	return []byte(text), err
}

// Save keeps a key, in place of what was kept under its name.
func (s Store) Save(name string, key []byte) error {
	if s.ask(func() error { return keyring.Set(service, s.item(name), string(key)) }) != nil {
		return fmt.Errorf("%w: the key could not be kept", ErrUnavailable) // a cause could repeat the key
	}
	return nil
}

// Remove forgets a key. One that is not there is no error.
func (s Store) Remove(name string) error {
	err := s.ask(func() error { return keyring.Delete(service, s.item(name)) })
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (s Store) item(name string) string { return name + " of " + s.Owner }

// ask puts one question to the keychain, for as long as it may take.
func (s Store) ask(question func() error) error {
	done := make(chan error, 1)
	go func() { done <- question() }()
	wait := s.Wait
	if wait == 0 {
		wait = patience
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case err := <-done:
		switch {
		case err == nil:
			return nil
		case errors.Is(err, keyring.ErrNotFound):
			return fs.ErrNotExist
		case errors.Is(err, keyring.ErrUnsupportedPlatform):
			return fmt.Errorf("%w: this system has none", ErrUnavailable)
		default:
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	case <-t.C:
		return fmt.Errorf("%w within %v", ErrUnavailable, wait)
	}
}
