// Package clock reads the wall clock and notices when somebody sets it.
//
// Policy asks what time it is, and whoever can set the clock could answer. A
// [Clock] compares the wall clock with one that nobody can set, and that goes
// on while the machine sleeps. Where the two differ by more than [Tolerance],
// the clock was stepped: that is reported, and what time it is counts as unknown
// until it is confirmed. It is confirmed when
//
//   - the wall clock is back on the line that it left, at once, or
//   - it stayed on the new line for [Confirm], as after a correction.
//
// What matters is not who is right: a correction by the network looks like an
// attack. While time is unknown, a rule that grants by time grants nothing, and
// one that denies by time denies.
//
// Limits and rates count in [Clock.Steady], which no setting of the clock moves.
// A clock that was wrong before the process began is taken as found.
package clock

import (
	"sync"
	"time"
)

const (
	// Tolerance is how far wall clock and steady clock may differ.
	Tolerance = 2 * time.Second
	// Confirm is how long a stepped clock has to go on evenly before it is
	// believed. It is long enough for a person who sees the record to act.
	Confirm = 5 * time.Minute
)

// Source is where time comes from. The zero Source is the system's.
type Source struct {
	// Wall is what policy and people call the time. Anybody with the right to
	// can set it.
	Wall func() time.Time
	// Steady is time since some moment. Nobody can set it, but it may stand still
	// while the machine sleeps.
	Steady func() time.Duration
	// Asleep is for how long Steady stood still since some moment.
	Asleep func() time.Duration
}

// State says what became of a step.
type State string

// The states of a step.
const (
	Stepped   State = "stepped"   // the wall clock left its line
	Returned  State = "returned"  // it is back on the line that it left
	Confirmed State = "confirmed" // it stayed on its new line
)

// Step is one thing that happened to the wall clock.
type Step struct {
	State State
	// Expected is what the trusted line says, and Read what the clock says.
	Expected, Read time.Time
}

// line is a wall clock that goes evenly.
type line struct {
	wall   time.Time
	steady time.Duration
}

// Clock is a wall clock that is watched. It is safe for concurrent use.
type Clock struct {
	source Source
	tell   func(Step)

	mu      sync.Mutex
	begin   line
	trusted line
	doubt   *line // where the clock is since it was stepped; nil: on trusted
	asleep  time.Duration
}

// New returns a clock that is trusted as it stands now. tell hears of every
// step, in order; it is called by readers of the clock and MUST NOT wait.
func New(s Source, tell func(Step)) *Clock {
	s.defaults()
	c := &Clock{source: s, tell: tell}
	c.asleep = s.Asleep()
	c.begin = line{s.Wall().Round(0), s.Steady()}
	c.trusted = c.begin
	return c
}

// Now returns the time, and the zero Time while it is unknown.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	wall, steady := c.source.Wall().Round(0), c.source.Steady()
	on := &c.trusted
	if c.doubt != nil {
		on = c.doubt
	}
	if !near(on.at(steady), wall) {
		// Before anybody is blamed: did the machine sleep?
		c.woke()
	}
	return c.judge(wall, steady)
}

// judge says what a reading of both clocks means. c.mu is held.
func (c *Clock) judge(wall time.Time, steady time.Duration) time.Time {
	expected := c.trusted.at(steady)
	switch {
	case near(expected, wall):
		if c.doubt != nil {
			c.doubt = nil
			c.tell(Step{Returned, expected, wall})
		}
		return wall
	case c.doubt == nil || !near(c.doubt.at(steady), wall):
		c.doubt = &line{wall, steady}
		c.tell(Step{Stepped, expected, wall})
		return time.Time{}
	case steady-c.doubt.steady < Confirm:
		return time.Time{}
	default:
		c.trusted, c.doubt = *c.doubt, nil
		c.tell(Step{Confirmed, expected, wall})
		return wall
	}
}

// woke moves every line by what the machine slept since the last look. c.mu is
// held.
func (c *Clock) woke() {
	slept := c.source.Asleep() - c.asleep
	if slept <= 0 {
		return
	}
	c.asleep += slept
	for _, l := range []*line{&c.begin, &c.trusted, c.doubt} {
		if l != nil {
			l.wall = l.wall.Add(slept)
		}
	}
}

// Steady returns a time that no setting of the wall clock moves: when the clock
// was made, and what has passed since, sleep included. It is for counting, not
// for people.
func (c *Clock) Steady() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.woke()
	return c.begin.at(c.source.Steady())
}

// at returns what a line says now.
func (l *line) at(steady time.Duration) time.Time { return l.wall.Add(steady - l.steady) }

// near reports whether two readings are one within [Tolerance].
func near(a, b time.Time) bool {
	d := a.Sub(b)
	return -Tolerance <= d && d <= Tolerance
}
