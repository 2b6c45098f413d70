package approval

import (
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// SystemClock returns the clock of this machine.
func SystemClock() Clock {
	boot := sync.OnceValue(func() string {
		b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
		if err != nil {
			return "" // the wall clock alone
		}
		return strings.TrimSpace(string(b))
	})
	return func() Moment {
		m := Moment{Wall: time.Now()}
		var ts unix.Timespec
		if unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts) == nil {
			m.Since, m.Boot = time.Duration(ts.Nano()), boot()
		}
		return m
	}
}
