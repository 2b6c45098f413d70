package upstream

import (
	"os"

	"golang.org/x/sys/unix"
)

// pipe returns a pipe whose ends block. One that the runtime's poller knows
// wakes a thread of it whenever the child reads or writes, whoever waits.
func pipe() (r, w *os.File, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, os.NewSyscallError("pipe2", err)
	}
	return os.NewFile(uintptr(fds[0]), "|0"), os.NewFile(uintptr(fds[1]), "|1"), nil
}
