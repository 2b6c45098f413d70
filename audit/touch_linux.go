package audit

import (
	"os"

	"golang.org/x/sys/unix"
)

// touches tells whether anybody wrote to a file, or changed what is said of
// it, since it was last asked. Writes through a mapping do not show. A nil one
// says nothing.
type touches struct{ f *os.File }

// watchTouches begins to watch the file at path. It returns nil where the
// system does not let it.
func watchTouches(path string) *touches {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err != nil {
		return nil
	}
	// A file that blocks stays out of the runtime's poller, which every write
	// of our own would wake.
	f := os.NewFile(uintptr(fd), "inotify")
	if _, err = unix.InotifyAddWatch(fd, path, unix.IN_MODIFY|unix.IN_ATTRIB); err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		f.Close()
		return nil
	}
	return &touches{f: f}
}

// any reports whether there was one, and forgets it.
func (t *touches) any() bool {
	if t == nil {
		return false
	}
	var events [16 * unix.SizeofInotifyEvent]byte
	for seen := false; ; seen = true {
		if n, err := unix.Read(int(t.f.Fd()), events[:]); err != nil || n == 0 {
			return seen
		}
	}
}

func (t *touches) close() {
	if t != nil {
		t.f.Close()
	}
}
