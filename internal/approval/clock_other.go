//go:build !linux

package approval

import "time"

// SystemClock returns the clock of this machine: the wall clock alone, where
// no other is shared by all processes.
func SystemClock() Clock {
	return func() Moment { return Moment{Wall: time.Now()} }
}
