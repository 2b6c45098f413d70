package clock

import (
	"time"

	"golang.org/x/sys/unix"
)

// asleep returns how long the machine slept since it was started: CLOCK_BOOTTIME
// counts sleep and CLOCK_MONOTONIC, which Go measures by, does not.
func asleep() time.Duration {
	var awake, all unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &awake) != nil || unix.ClockGettime(unix.CLOCK_BOOTTIME, &all) != nil {
		return 0
	}
	// The two are read one after the other.
	return time.Duration(all.Nano() - awake.Nano()).Truncate(time.Millisecond)
}
