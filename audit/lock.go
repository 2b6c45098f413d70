package audit

import (
	"errors"
	"os"
	"path/filepath"
)

// lockName is the lock file of a slot. Whoever holds its lock is the only
// writer of the chain beside it.
const lockName = "lock"

// ErrLocked is returned by [Lock] where another process writes the chain.
var ErrLocked = errors.New("audit: another process holds this slot")

// Lock makes the caller the only writer of the chain in dir (log/NN) until the
// returned file is closed or the process ends, however it ends. It returns
// [ErrLocked] at once where another process is. The file is created at need;
// dir MUST exist.
func Lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE|noFollow, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockFile(f); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Live reports whether a process writes the chain in dir now. It takes no
// lock itself, so asking never disturbs a process that looks for a free slot.
func Live(dir string) bool {
	f, err := openRead(filepath.Join(dir, lockName))
	if err != nil {
		return false
	}
	defer f.Close()
	held, err := lockedFile(f)
	return err == nil && held
}
