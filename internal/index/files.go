package index

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// The files of an index directory. A build makes a database under a new name
// and then renames current, which names it: who reads the old one goes on, and
// the files of SQLite never belong to two databases.
const (
	lockName    = "lock"
	currentName = "current"
	dbSuffix    = ".db"
)

// folder is the directory of an index.
type folder string

// makeFolder makes the directory, or refuses one that somebody else could have
// prepared.
func makeFolder(path string) (folder, error) {
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("index: %w", err)
	}
	info, err := os.Lstat(path)
	if err != nil {
		return "", fmt.Errorf("index: %w", err)
	}
	if !info.IsDir() || info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("index: %s is not a directory that is closed to other users (move it away: it is made anew)", path)
	}
	return folder(path), nil
}

func (f folder) path(name string) string { return filepath.Join(string(f), name) }

// makeFile makes an empty file that the user alone can read. SQLite gives its
// other files the same mode.
func (f folder) makeFile(name string) error {
	file, err := os.OpenFile(f.path(name), os.O_RDWR|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return fmt.Errorf("index: %w", err)
	}
	return file.Close()
}

// current returns the path of the database in use, "" where there is none.
func (f folder) current() (string, error) {
	b, err := os.ReadFile(f.path(currentName))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("index: %w", err)
	}
	name := strings.TrimSuffix(string(b), "\n")
	if !isDatabase(name) {
		return "", nil // damaged: it is built anew
	}
	info, err := os.Lstat(f.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("index: %w", err)
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
		return "", nil
	}
	return f.path(name), nil
}

// isDatabase reports whether name is one that newName makes.
func isDatabase(name string) bool {
	stem, ok := strings.CutSuffix(name, dbSuffix)
	return ok && stem != "" && strings.Trim(stem, "abcdefghijklmnopqrstuvwxyz234567") == ""
}

func newName() string { return strings.ToLower(rand.Text()) + dbSuffix }

// use makes a database the current one and removes all others. The lock is
// held.
func (f folder) use(name string) error {
	temp := f.path("." + currentName)
	if err := os.WriteFile(temp, []byte(name+"\n"), 0o600); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	if err := os.Rename(temp, f.path(currentName)); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	return f.sweep(name)
}

// sweep removes every database but one. The lock is held.
func (f folder) sweep(keep string) error {
	entries, err := os.ReadDir(string(f))
	if err != nil {
		return fmt.Errorf("index: %w", err)
	}
	for _, e := range entries {
		stem := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(e.Name(), "-wal"), "-shm"), "-journal")
		if stem == keep || !isDatabase(stem) {
			continue
		}
		if err := os.Remove(f.path(e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("index: %w", err)
		}
	}
	return nil
}

// lockPoll is how often a writer that waits for another looks again.
const lockPoll = 20 * time.Millisecond

// lock waits for the right to write the index, at most until ctx is done. The
// kernel takes it back when the process ends.
func (f folder) lock(ctx context.Context) (unlock func(), err error) {
	file, err := os.OpenFile(f.path(lockName), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return func() { file.Close() }, nil
		case !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR):
			file.Close()
			return nil, fmt.Errorf("index: lock: %w", err)
		}
		select {
		case <-ctx.Done():
			file.Close()
			return nil, fmt.Errorf("index: %w: %w", ErrBusy, ctx.Err())
		case <-time.After(lockPoll):
		}
	}
}

// ErrBusy says that another process updates the index.
var ErrBusy = errors.New("another process is writing it")
