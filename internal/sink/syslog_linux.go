package sink

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// unacknowledged returns how many bytes of a connection the other machine has
// not acknowledged yet.
func unacknowledged(conn net.Conn) (int, error) {
	raw, ok := conn.(syscall.Conn)
	if !ok {
		return 0, nil
	}
	c, err := raw.SyscallConn()
	if err != nil {
		return 0, err
	}
	n, ioctl := 0, error(nil)
	if err := c.Control(func(fd uintptr) { n, ioctl = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) }); err != nil {
		return 0, err
	}
	return n, ioctl
}
