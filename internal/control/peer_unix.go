//go:build linux || darwin || freebsd

package control

import (
	"net"
	"os"
)

// ownPeer reports whether the process at the other end of a unix socket runs
// under this user, as the kernel knew it when it connected.
func ownPeer(c net.Conn) bool {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return false
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return false
	}
	own := false
	err = raw.Control(func(fd uintptr) {
		uid, err := peerUser(int(fd))
		own = err == nil && int(uid) == os.Geteuid()
	})
	return err == nil && own
}
