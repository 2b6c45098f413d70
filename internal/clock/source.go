package clock

import "time"

// defaults fills what was left out with the clocks of the system.
func (s *Source) defaults() {
	if s.Wall == nil {
		s.Wall = time.Now
	}
	if s.Steady == nil {
		begin := time.Now()
		s.Steady = func() time.Duration { return time.Since(begin) }
	}
	if s.Asleep == nil {
		s.Asleep = asleep
	}
}
