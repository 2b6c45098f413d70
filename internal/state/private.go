package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// InsecureError refuses a file or directory that somebody else could have
// prepared, or can reach.
type InsecureError struct {
	Path string
	// Problem says what is wrong, Hint how to put it right.
	Problem string
	Hint    string
}

// Error names the path, the problem and the hint.
func (e *InsecureError) Error() string {
	return fmt.Sprintf("state: %s %s (%s)", e.Path, e.Problem, e.Hint)
}

// makePrivate makes a directory, with its parents, that the user alone can
// reach, or checks the one that is there.
func makePrivate(path string) error {
	err := os.Mkdir(path, 0o700)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return fmt.Errorf("state: %w", err)
		}
		err = os.Mkdir(path, 0o700)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("state: %w", err)
	}
	return checkPrivate(path, unix.S_IFDIR)
}

// checkPrivate checks that path is of this type, belongs to the user and is
// closed to everybody else.
func checkPrivate(path string, want uint32) error {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return fmt.Errorf("state: %w", &fs.PathError{Op: "lstat", Path: path, Err: err})
	}
	return judge(path, &st, want)
}

// judge says what is wrong with what a stat found.
func judge(path string, st *unix.Stat_t, want uint32) error {
	kind := "file"
	if want == unix.S_IFDIR {
		kind = "directory"
	}
	switch mode := uint32(st.Mode); {
	case mode&unix.S_IFMT == unix.S_IFLNK:
		return &InsecureError{Path: path, Problem: "is a symbolic link", Hint: "name the " + kind + " itself, or move the link away"}
	case mode&unix.S_IFMT != want:
		return &InsecureError{Path: path, Problem: "is not a " + kind, Hint: "move it away"}
	case int(st.Uid) != os.Geteuid():
		return &InsecureError{Path: path, Problem: fmt.Sprintf("belongs to uid %d, not to you", st.Uid), Hint: "name another state directory with --state"}
	case mode&0o077 != 0:
		return &InsecureError{Path: path, Problem: "is open to other users", Hint: "chmod go-rwx " + path + ", and if it holds keys, make new ones"}
	}
	return nil
}

// readPrivate reads a small file that the user alone can reach. It checks what
// it opened, not what lay there before.
func readPrivate(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if errors.Is(err, unix.ELOOP) {
		return nil, checkPrivate(path, unix.S_IFREG)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return nil, fmt.Errorf("state: %s: %w", path, err)
	}
	if err := judge(path, &st, unix.S_IFREG); err != nil {
		return nil, err
	}
	b := make([]byte, 1<<16)
	n, err := f.Read(b)
	if err != nil {
		return nil, fmt.Errorf("state: %s: %w", path, err)
	}
	return b[:n], nil
}

// writeFile puts a whole file in place: its readers see the old one or the new
// one, and after a crash there is one of the two.
func writeFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("state: %w", errors.Join(err, removeTemp(f.Name())))
	}
	return nil
}

// removeTemp removes a temporary file that may be gone already.
func removeTemp(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// syncDir makes the names in a directory durable.
func syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// lockDir waits for the lock that the first run holds while it makes the
// directory.
func lockDir(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if errors.Is(err, unix.ELOOP) {
		return nil, checkPrivate(path, unix.S_IFREG)
	}
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("state: lock %s: %w", path, err)
	}
	return func() { f.Close() }, nil
}
