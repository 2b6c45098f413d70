package clock

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// fake is a machine whose clocks are moved by hand.
type fake struct {
	wall          time.Time
	steady, slept time.Duration
	told          []string
}

func newFake() (*fake, *Clock) {
	f := &fake{wall: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), steady: time.Hour}
	c := New(Source{
		Wall:   func() time.Time { return f.wall },
		Steady: func() time.Duration { return f.steady },
		Asleep: func() time.Duration { return f.slept },
	}, func(s Step) { f.told = append(f.told, fmt.Sprintf("%s %v", s.State, s.Read.Sub(s.Expected))) })
	return f, c
}

// pass lets time go by as it should.
func (f *fake) pass(d time.Duration) { f.wall, f.steady = f.wall.Add(d), f.steady+d }

// sleep is a night with the lid closed.
func (f *fake) sleep(d time.Duration) { f.wall, f.slept = f.wall.Add(d), f.slept+d }

// set is what an attacker, or the network, does.
func (f *fake) set(d time.Duration) { f.wall = f.wall.Add(d) }

func TestClock(t *testing.T) {
	type act struct {
		do   string // pass, sleep or set
		by   time.Duration
		sure bool
	}
	for _, tc := range []struct {
		name string
		acts []act
		told string
	}{
		{"even", []act{{"pass", time.Second, true}, {"pass", 100 * time.Hour, true}}, ""},
		{"slewed within the tolerance", []act{{"set", 2 * time.Second, true}, {"set", -4 * time.Second, true}}, ""},
		{"forward", []act{{"set", 3 * time.Second, false}, {"pass", time.Minute, false}}, "stepped 3s"},
		{"back", []act{{"set", -9 * time.Hour, false}}, "stepped -9h0m0s"},
		{"creeping up to a step", []act{{"set", time.Second, true}, {"set", time.Second, true}, {"set", time.Second, false}}, "stepped 3s"},
		{"undone", []act{{"set", time.Hour, false}, {"pass", time.Minute, false}, {"set", -time.Hour, true}}, "stepped 1h0m0s, returned 0s"},
		{"confirmed", []act{{"set", time.Hour, false}, {"pass", Confirm - time.Second, false}, {"pass", time.Second, true}, {"pass", time.Hour, true}}, "stepped 1h0m0s, confirmed 1h0m0s"},
		{"stepped again before it was confirmed", []act{
			{"set", time.Hour, false},
			{"pass", Confirm - time.Second, false},
			{"set", time.Hour, false},
			{"pass", Confirm - time.Second, false},
			{"pass", time.Second, true},
		}, "stepped 1h0m0s, stepped 2h0m0s, confirmed 2h0m0s"},
		{"slept", []act{{"sleep", 9 * time.Hour, true}, {"pass", time.Minute, true}}, ""},
		{"slept and was set", []act{{"sleep", 9 * time.Hour, true}, {"set", time.Hour, false}}, "stepped 1h0m0s"},
		{"slept in doubt", []act{{"set", time.Hour, false}, {"sleep", 9 * time.Hour, false}, {"pass", Confirm, true}}, "stepped 1h0m0s, confirmed 1h0m0s"},
		{"slept longer than was set back", []act{{"set", -time.Hour, false}, {"sleep", time.Hour, false}}, "stepped -1h0m0s"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, c := newFake()
			for i, a := range tc.acts {
				map[string]func(time.Duration){"pass": f.pass, "sleep": f.sleep, "set": f.set}[a.do](a.by)
				now := c.Now()
				if now.IsZero() == a.sure || a.sure && !now.Equal(f.wall) {
					t.Fatalf("%d, after %s %v: the time is %v, sure %v", i, a.do, a.by, now, a.sure)
				}
			}
			if got := strings.Join(f.told, ", "); got != tc.told {
				t.Errorf("told %q, want %q", got, tc.told)
			}
		})
	}
}

// No setting of the clock opens a limit that counts in steady time.
func TestSteadyIsNotSet(t *testing.T) {
	f, c := newFake()
	begin := c.Steady()
	for _, set := range []time.Duration{time.Hour, -3 * time.Hour, 1000 * time.Hour} {
		f.set(set)
		c.Now()
	}
	f.pass(time.Minute)
	f.sleep(time.Hour)
	if got := c.Steady().Sub(begin); got != time.Hour+time.Minute {
		t.Errorf("%v passed, want 1h1m", got)
	}
}

// The clocks of this machine go evenly.
func TestSystem(t *testing.T) {
	var mu sync.Mutex
	var steps []Step
	c := New(Source{}, func(s Step) {
		mu.Lock()
		defer mu.Unlock()
		steps = append(steps, s)
	})
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			for range 1000 {
				if now := c.Now(); time.Since(now).Abs() > time.Minute {
					t.Errorf("it is %v", now)
					return
				}
				c.Steady()
			}
		})
	}
	readers.Wait()
	if slices.ContainsFunc(steps, func(s Step) bool { return s.State == Stepped }) {
		t.Errorf("steps: %v", steps)
	}
}

func BenchmarkNow(b *testing.B) {
	c := New(Source{}, func(Step) {})
	for b.Loop() {
		c.Now()
	}
}
