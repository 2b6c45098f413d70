//go:build !linux

package upstream

import "os"

// pipe returns a pipe whose ends block.
func pipe() (r, w *os.File, err error) {
	if r, w, err = os.Pipe(); err == nil {
		_, _ = r.Fd(), w.Fd()
	}
	return r, w, err
}
