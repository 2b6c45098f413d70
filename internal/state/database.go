package state

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const databaseName = "state.db"

// Database returns the path of the directory's SQLite file, which is made where
// there is none, and checked: the file holds what calls asked for. Nothing of
// it is read.
func (d *Dir) Database() (string, error) {
	path := filepath.Join(d.path, databaseName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if errors.Is(err, unix.ELOOP) {
		return "", checkPrivate(path, unix.S_IFREG)
	}
	if err != nil {
		return "", fmt.Errorf("state: %w", err)
	}
	return path, errors.Join(checkPrivate(path, unix.S_IFREG), f.Close())
}

// HasDatabase reports whether the directory has such a file yet.
func (d *Dir) HasDatabase() bool {
	_, err := os.Lstat(filepath.Join(d.path, databaseName))
	return err == nil
}
