//go:build unix

package enginetest

import (
	"syscall"
	"time"
)

// cpu is the processor time of this process so far, the collector included.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
