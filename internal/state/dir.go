package state

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/custos-zt/custos/audit"
)

// EnvPath names the environment variable that chooses the state directory.
const EnvPath = "CUSTOS_STATE"

// The names inside a state directory.
const (
	lockName   = "lock"
	keysName   = "keys"
	logName    = "log"
	runName    = "run"
	policyName = "policy"
)

// Dir is an open state directory. Its methods may be called from any number of
// goroutines and processes.
type Dir struct {
	path string
	opt  Options
	hmac []byte
	log  ed25519.PrivateKey // nil for readers
	keys audit.Keys
	macs sync.Pool // of *mac under the key hmac
}

// Options configure [OpenWith].
type Options struct {
	// Keys is where the private log key is kept; nil: in files under keys/.
	Keys KeyStore
}

// mac is an HMAC with room for what goes in first and comes out.
type mac struct {
	hash.Hash
	in []byte
}

// DefaultPath returns the state directory to use where none is named:
// $CUSTOS_STATE, else $XDG_STATE_HOME/custos, else ~/.local/state/custos. A
// relative XDG_STATE_HOME is ignored, as its specification demands.
func DefaultPath() (string, error) {
	if p := os.Getenv(EnvPath); p != "" {
		return filepath.Abs(p)
	}
	if p := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(p) {
		return filepath.Join(p, "custos"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("state: no directory named and %w", err)
	}
	return filepath.Join(home, ".local", "state", "custos"), nil
}

// Open is [OpenWith] where everything lies in the directory itself.
func Open(path string) (*Dir, error) { return OpenWith(path, Options{}) }

// OpenWith opens the state directory at path and makes what is missing: the
// directory, its parts and its keys. Any number of processes may do so at
// once. What it finds it checks; see [InsecureError].
func OpenWith(path string, opt Options) (*Dir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	if err := makePrivate(path); err != nil {
		return nil, err
	}
	unlock, err := lockDir(filepath.Join(path, lockName))
	if err != nil {
		return nil, err
	}
	defer unlock()
	for _, name := range []string{keysName, logName, runName, policyName} {
		if err := makePrivate(filepath.Join(path, name)); err != nil {
			return nil, err
		}
	}
	d := &Dir{path: path, opt: opt}
	if err := d.loadKeys(); err != nil {
		return nil, err
	}
	return d, nil
}

// OpenExisting opens a state directory for readers: it makes nothing, reads no
// private log key, and returns an error that wraps fs.ErrNotExist where there
// is no state directory yet.
func OpenExisting(path string) (*Dir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	for _, dir := range []string{path, filepath.Join(path, keysName)} {
		if err := checkPrivate(dir, unix.S_IFDIR); err != nil {
			return nil, err
		}
	}
	d := &Dir{path: path}
	if d.keys, err = PublicKeys(path); err == nil {
		d.hmac, err = keyFiles{filepath.Join(path, keysName)}.Load(hmacKeyName)
	}
	if err != nil {
		return nil, fmt.Errorf("state: no state directory at %s: %w", path, err)
	}
	return d, nil
}

// Path returns the absolute path of the directory.
func (d *Dir) Path() string { return d.path }

// LogDir returns the directory that holds every chain.
func (d *Dir) LogDir() string { return filepath.Join(d.path, logName) }

// Instance returns the id of this instance: "i_" and 16 characters derived
// from the public log key.
func (d *Dir) Instance() string { return d.keys.Instance() }

// LogKey returns the key that signs on behalf of this instance; nil for
// readers. It MUST NOT be written anywhere.
func (d *Dir) LogKey() ed25519.PrivateKey { return d.log }

// HMAC returns the keyed digest of data for one purpose: HMAC-SHA-256 under the
// instance's key. Digests of the same data for different purposes say nothing
// about each other.
func (d *Dir) HMAC(purpose string, data []byte) [32]byte {
	// A call has a dozen digests, and setting a key up costs as much as using it.
	m, _ := d.macs.Get().(*mac)
	if m == nil {
		m = &mac{Hash: hmac.New(sha256.New, d.hmac)}
	}
	m.Reset()
	// The length keeps purpose and data from running into each other.
	m.in = append(binary.BigEndian.AppendUint32(m.in[:0], uint32(len(purpose))), purpose...)
	m.Write(m.in)
	m.Write(data)
	sum := [32]byte(m.Sum(m.in[:0]))
	d.macs.Put(m)
	return sum
}

// KeepPolicy stores a policy under its digest ("sha256:" and 64 hexadecimal
// digits). A policy that is there already is not written again.
func (d *Dir) KeepPolicy(digest string, data []byte) error {
	path, err := d.policyPath(digest)
	if err != nil {
		return err
	}
	if have, err := os.ReadFile(path); err == nil && string(have) == string(data) {
		return nil
	}
	return writeFile(path, data)
}

// Policy returns a stored policy. The error wraps fs.ErrNotExist where no
// policy with this digest was ever activated.
func (d *Dir) Policy(digest string) ([]byte, error) {
	path, err := d.policyPath(digest)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// policyPath turns a digest into a file name, and nothing else into one.
func (d *Dir) policyPath(digest string) (string, error) {
	const prefix = "sha256:"
	hexits, ok := strings.CutPrefix(digest, prefix)
	if !ok || len(hexits) != 2*sha256.Size {
		return "", errors.New("state: a policy digest is sha256: and 64 hexadecimal digits")
	}
	for _, c := range []byte(hexits) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", errors.New("state: a policy digest is sha256: and 64 hexadecimal digits")
		}
	}
	return filepath.Join(d.path, policyName, "sha256-"+hexits), nil
}
