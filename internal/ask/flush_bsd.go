//go:build darwin || freebsd || netbsd || openbsd

package ask

import "golang.org/x/sys/unix"

// fread is FREAD of the BSDs: the input queue.
const fread = 1

// flushInput throws away what was typed and not read.
func flushInput(fd int) error { return unix.IoctlSetPointerInt(fd, unix.TIOCFLUSH, fread) }
