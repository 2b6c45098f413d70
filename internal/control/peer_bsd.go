//go:build darwin || freebsd

package control

import "golang.org/x/sys/unix"

func peerUser(socket int) (uid uint32, err error) {
	cred, err := unix.GetsockoptXucred(socket, unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	if err != nil {
		return 0, err
	}
	return cred.Uid, nil
}
