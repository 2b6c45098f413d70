//go:build !linux

package audit

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// noFollow refuses a symbolic link as the last element of a path.
const noFollow = unix.O_NOFOLLOW

// fdatasync makes f durable; os.File.Sync reaches the medium on every system
// that has no fdatasync of its own.
func fdatasync(f *os.File) error { return f.Sync() }

// lockFile takes an exclusive lock on f for as long as f is open.
func lockFile(f *os.File) error {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return ErrLocked
	}
	return os.NewSyscallError("lock", err)
}

// lockedFile reports whether somebody holds the lock. Without locks that can
// be asked for, it takes the lock for an instant, in which a process that looks
// for a free slot may pass this one by.
func lockedFile(f *os.File) (bool, error) {
	err := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return true, nil
	}
	return false, os.NewSyscallError("lock", err)
}

// outline returns what file f is and how long.
func outline(f *os.File) (fileID, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return fileID{}, os.NewSyscallError("fstat", err)
	}
	return newFileID(&st), nil
}

// outlineAt is outline of what lies at a path; a link is not followed.
func outlineAt(path string) (fileID, error) {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return fileID{}, os.NewSyscallError("lstat", err)
	}
	return newFileID(&st), nil
}
