package state

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/custos-zt/custos/audit"
)

// Listen opens the slot's admin socket, run/NN.sock: a file of mode 0600 in a
// directory of mode 0700. Who connects MUST still be asked of the kernel. The
// file goes with [Slot.Close]; one that a killed holder left was removed when
// the slot was taken, by the only process that may.
func (s *Slot) Listen() (*net.UnixListener, error) {
	var l *net.UnixListener
	err := s.dir.atSocket(s.number, func(path string) (err error) {
		if l, err = net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"}); err != nil {
			return err
		}
		l.SetUnlinkOnClose(false) // behind the lock it could be another's
		if err := os.Chmod(path, 0o600); err != nil {
			return errors.Join(err, l.Close())
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("state: run/%s: %w", socketName(s.number), err)
	}
	return l, nil
}

// Dial connects to the admin socket of the process that holds a slot. The error
// wraps fs.ErrNotExist where that process has none.
func (d *Dir) Dial(ctx context.Context, slot int) (net.Conn, error) {
	if err := checkPrivate(filepath.Join(d.path, runName), unix.S_IFDIR); err != nil {
		return nil, err
	}
	if err := checkPrivate(d.socketPath(slot), unix.S_IFSOCK); err != nil {
		return nil, err
	}
	var c net.Conn
	err := d.atSocket(slot, func(path string) (err error) {
		c, err = (&net.Dialer{}).DialContext(ctx, "unix", path)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("state: run/%s: %w", socketName(slot), err)
	}
	return c, nil
}

func socketName(slot int) string { return audit.SlotName(slot) + ".sock" }

func (d *Dir) socketPath(slot int) string { return filepath.Join(d.path, runName, socketName(slot)) }

// hasSocket reports whether the holder of a slot can be talked to.
func (d *Dir) hasSocket(slot int) bool {
	st, err := os.Lstat(d.socketPath(slot))
	return err == nil && st.Mode().Type() == fs.ModeSocket
}

// maxSocketPath is what every system takes; Linux takes four bytes more.
const maxSocketPath = 103

// atSocket calls use with a path of a slot's socket that the system takes: a
// kernel knows about a hundred bytes of it, and state directories may be deep.
func (d *Dir) atSocket(slot int, use func(path string) error) error {
	path := d.socketPath(slot)
	if len(path) <= maxSocketPath {
		return use(path)
	}
	run, err := os.OpenFile(filepath.Join(d.path, runName), unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer run.Close()
	short := fmt.Sprintf("/proc/self/fd/%d", run.Fd())
	if _, err := os.Stat(short); err != nil {
		return fmt.Errorf("the path has %d bytes, and this system takes %d; name a shorter state directory", len(path), maxSocketPath)
	}
	return use(filepath.Join(short, socketName(slot)))
}
