package witness

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/custos-zt/custos/audit"
)

// The names inside the directory of a witness.
const (
	keyName      = "key"
	nameName     = "name"
	lockName     = "lock"
	instancesDir = "instances"
	recordSuffix = ".json"
	pemType      = "PRIVATE KEY"
)

// Store is what a witness remembers: its key, and for every instance the keys,
// the newest heads and the alarms. Any number of processes may use the
// directory at once; each change is durable before it is told to anybody.
//
// A witness that lost its memory MUST NOT go on under its key, because it would
// cosign what it had refused. The heads of an instance lie in one file with its
// enrolment, so that what is lost is unknown and not new.
type Store struct {
	dir string
	key audit.Cosigner
}

// Head is the newest head of one chain that the witness cosigned.
type Head struct {
	Size uint64    `json:"size"`
	Root string    `json:"root"`
	Time time.Time `json:"time"`
	Note string    `json:"note"` // as it was cosigned
}

// Instance is what a witness remembers of one instance.
type Instance struct {
	ID       string    `json:"instance"`
	Keys     string    `json:"keys"` // as audit.FormatKeys writes them
	Enrolled time.Time `json:"enrolled"`
	// Silence is how long the instance may say nothing.
	Silence Duration `json:"silence"`
	// Heads are by slot ("00").
	Heads  map[string]Head `json:"heads"`
	Alarms []Alarm         `json:"alarms"`
}

// Duration is a time.Duration that JSON shows as text.
type Duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}

// OpenStore opens the directory of a witness, or makes it, with a new key. name
// is what a new witness is called; "" derives a name from its key.
func OpenStore(dir, name string) (*Store, error) {
	for _, d := range []string{dir, filepath.Join(dir, instancesDir)} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, fmt.Errorf("witness: %w", err)
		}
		st, err := os.Lstat(d)
		if err != nil {
			return nil, fmt.Errorf("witness: %w", err)
		}
		if !st.IsDir() || st.Mode().Perm()&0o077 != 0 {
			return nil, fmt.Errorf("witness: %s must be a directory that you alone can reach (chmod 700)", d)
		}
	}
	s := &Store{dir: dir}
	unlock, err := s.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	key, err := s.loadKey()
	if errors.Is(err, fs.ErrNotExist) {
		key, err = s.makeKey(name)
	}
	if err != nil {
		return nil, err
	}
	kept, err := os.ReadFile(filepath.Join(dir, nameName))
	if err != nil {
		return nil, fmt.Errorf("witness: %w", err)
	}
	s.key = audit.NewCosigner(strings.TrimSpace(string(kept)), key)
	return s, nil
}

// Key returns the public key of the witness.
func (s *Store) Key() audit.WitnessKey { return s.key.WitnessKey }

func (s *Store) loadKey() (ed25519.PrivateKey, error) {
	path := filepath.Join(s.dir, keyName)
	st, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("witness: %s must be a file that you alone can read (chmod 600)", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	bad := fmt.Errorf("witness: %s is not an Ed25519 key in PEM", path)
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, bad
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	private, ok := key.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, bad
	}
	return private, nil
}

// makeKey makes the key of a new witness. Where instances are remembered the
// key was lost, and another one in its place would be another witness.
func (s *Store) makeKey(name string) (ed25519.PrivateKey, error) {
	known, err := os.ReadDir(filepath.Join(s.dir, instancesDir))
	if err != nil || len(known) > 0 {
		return nil, errors.Join(err, fmt.Errorf("witness: %s is gone while instances are enrolled (restore it, or begin in another directory)", filepath.Join(s.dir, keyName)))
	}
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("witness: %w", err)
	}
	if name == "" {
		name = "custos-witness/" + strings.TrimPrefix(audit.InstanceID(public), "i_")
	}
	if _, err := audit.ParseWitnessKey(audit.NewWitnessKey(name, public).String()); err != nil {
		return nil, fmt.Errorf("witness: %q is no name for a witness: no space and no plus sign", name)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err == nil {
		err = s.write(nameName, []byte(name+"\n"))
	}
	if err == nil {
		err = s.write(keyName, pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der}))
	}
	if err != nil {
		return nil, fmt.Errorf("witness: %w", err)
	}
	return key, nil
}

// lock waits until no other process changes anything.
func (s *Store) lock() (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(s.dir, lockName), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("witness: %w", err)
	}
	for err = unix.EINTR; errors.Is(err, unix.EINTR); {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("witness: %w", err)
	}
	return func() { f.Close() }, nil
}

// write puts a file in place, durably.
func (s *Store) write(name string, data []byte) error {
	path := filepath.Join(s.dir, name)
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// errUnknown marks an instance that nobody enrolled.
var errUnknown = errors.New(unknownInstance)

const unknownInstance = "this instance is not enrolled here"

// read returns what is remembered of an instance.
func (s *Store) read(id string) (*Instance, error) {
	if !plausible(id) {
		return nil, errUnknown
	}
	data, err := os.ReadFile(filepath.Join(s.dir, instancesDir, id+recordSuffix))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errUnknown
	}
	if err != nil {
		return nil, fmt.Errorf("witness: %w", err)
	}
	in := &Instance{}
	if err := json.Unmarshal(data, in); err != nil || in.ID != id {
		return nil, fmt.Errorf("witness: what is remembered of %s cannot be read: %w", id, err)
	}
	if in.Heads == nil {
		in.Heads = map[string]Head{}
	}
	return in, nil
}

// plausible reports whether a text can be the id of an instance, and so the
// name of a file.
func plausible(id string) bool {
	rest, ok := strings.CutPrefix(id, "i_")
	return ok && len(rest) == 16 && strings.Trim(rest, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") == ""
}

// keep remembers an instance. The lock is held.
func (s *Store) keep(in *Instance) error {
	data, err := json.MarshalIndent(in, "", "  ")
	if err == nil {
		err = s.write(filepath.Join(instancesDir, in.ID+recordSuffix), append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("witness: %w", err)
	}
	return nil
}

// Instances returns what is remembered, by id.
func (s *Store) Instances() ([]*Instance, error) {
	entries, err := os.ReadDir(filepath.Join(s.dir, instancesDir))
	if err != nil {
		return nil, fmt.Errorf("witness: %w", err)
	}
	var list []*Instance
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), recordSuffix)
		if !ok || !plausible(id) {
			continue
		}
		in, err := s.read(id)
		if err != nil {
			return nil, err
		}
		list = append(list, in)
	}
	return list, nil
}
