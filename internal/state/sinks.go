package state

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// sinksName is the directory of what the shipper of records keeps.
const sinksName = "sinks"

// ErrShipping is returned where another process ships already.
var ErrShipping = errors.New("state: another process of this state directory ships its records")

// LockSinks takes the right to ship records to the sinks, for one process of
// the state directory. The kernel gives it back when the process ends, however
// it ends. The error is [ErrShipping] where another process has it.
func (d *Dir) LockSinks() (unlock func(), err error) {
	dir := filepath.Join(d.path, sinksName)
	if err := makePrivate(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, lockName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if errors.Is(err, unix.ELOOP) {
		return nil, checkPrivate(path, unix.S_IFREG)
	}
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return func() { f.Close() }, nil
	}
	f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, ErrShipping
	}
	return nil, fmt.Errorf("state: lock %s: %w", path, err)
}

// Cursor returns how far a sink came; the error wraps fs.ErrNotExist where it
// never began.
func (d *Dir) Cursor(name string) ([]byte, error) {
	path, err := d.cursorPath(name)
	if err != nil {
		return nil, err
	}
	return readPrivate(path)
}

// KeepCursor replaces it. The caller MUST hold the lock of [Dir.LockSinks].
func (d *Dir) KeepCursor(name string, data []byte) error {
	path, err := d.cursorPath(name)
	if err != nil {
		return err
	}
	return writeFile(path, data)
}

// cursorPath turns the name of a sink into a file name, and nothing else into
// one.
func (d *Dir) cursorPath(name string) (string, error) {
	if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz-") != "" {
		return "", fmt.Errorf("state: %q is no name of a sink", name)
	}
	return filepath.Join(d.path, sinksName, name+".json"), nil
}
