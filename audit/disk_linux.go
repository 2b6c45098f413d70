package audit

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// noFollow refuses a symbolic link as the last element of a path.
const noFollow = unix.O_NOFOLLOW

// fdatasync makes the contents of f, and its size where that changed, durable.
// Only an interrupted call is repeated: it reported no state of the file. Any
// other error may be the only report of lost pages that the kernel will make.
func fdatasync(f *os.File) error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		if !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}

// lockFile takes an exclusive lock on f for as long as f is open. It is an
// open-file-description lock, because those can be asked for without being
// taken: see [Live].
func lockFile(f *os.File) error {
	lk := unix.Flock_t{Type: unix.F_WRLCK}
	err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &lk)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		return ErrLocked
	}
	return os.NewSyscallError("lock", err)
}

// lockedFile reports whether somebody holds the lock.
func lockedFile(f *os.File) (bool, error) {
	lk := unix.Flock_t{Type: unix.F_WRLCK}
	if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, &lk); err != nil {
		return false, os.NewSyscallError("lock", err)
	}
	return lk.Type != unix.F_UNLCK, nil
}

// outline returns what file f is and how long. It does not ask for times: see
// settleEvery.
func outline(f *os.File) (fileID, error) { return statx(int(f.Fd()), "", unix.AT_EMPTY_PATH) }

// outlineAt is outline of what lies at a path; a link is not followed.
func outlineAt(path string) (fileID, error) {
	return statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW)
}

func statx(dir int, path string, flags int) (fileID, error) {
	var st unix.Statx_t
	if err := unix.Statx(dir, path, flags, unix.STATX_INO|unix.STATX_SIZE, &st); err != nil {
		return fileID{}, os.NewSyscallError("statx", err)
	}
	return fileID{dev: unix.Mkdev(st.Dev_major, st.Dev_minor), ino: st.Ino, size: int64(st.Size)}, nil
}
