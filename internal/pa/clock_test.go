package pa

import (
	"testing"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/clock"
	"github.com/custos-zt/custos/internal/limit"
	"github.com/custos-zt/custos/policy"
)

const officeHours = `policy: hours
backend: b
limits:
  - {id: flood, tools: ["*.*"], per: [subject], max: 3/1h}
rules:
  - {id: day, allow: [day], time: {between: "08:00-18:00", zone: UTC}}
  - {id: plain, allow: [plain]}
`

// TestSetClock: who can set the clock can neither make it day nor empty a
// count.
func TestSetClock(t *testing.T) {
	wall := time.Date(2026, 11, 20, 3, 0, 0, 0, time.UTC)
	steady := time.Duration(0)
	var told []clock.State
	c := clock.New(clock.Source{
		Wall: func() time.Time { return wall }, Steady: func() time.Duration { return steady },
		Asleep: func() time.Duration { return 0 },
	}, func(s clock.Step) { told = append(told, s.State) })
	s, problems := policy.Compile([]policy.Source{{Name: "hours.yaml", Data: []byte(officeHours)}}, policy.Options{})
	if s == nil {
		t.Fatal(problems)
	}
	a := New(Options{Limits: limit.New(), Now: c.Now, Steady: c.Steady})
	a.Publish(s)
	denied := func(when, tool string) {
		t.Helper()
		if d := ask(a, tool, "ann"); d.Effect == access.Allow {
			t.Errorf("%s: %s is allowed by %s", when, tool, d.Rule)
		}
	}
	allowed := func(when, tool string) {
		t.Helper()
		if d := ask(a, tool, "ann"); d.Effect != access.Allow {
			t.Errorf("%s: %s is denied: %s", when, tool, d.Reason)
		}
	}
	denied("at night", "day")
	wall = wall.Add(9 * time.Hour)
	denied("the clock was set to noon", "day")
	allowed("the clock was set to noon", "plain")
	steady, wall = steady+clock.Confirm, wall.Add(clock.Confirm)
	allowed("the clock went on evenly", "day")
	allowed("the clock went on evenly", "plain")
	denied("three calls were made in this hour", "plain")
	wall = wall.Add(48 * time.Hour)
	denied("the clock was set to the day after tomorrow", "plain")
	wall = wall.Add(-48 * time.Hour)
	denied("and back", "plain")
	if len(told) != 4 || told[0] != clock.Stepped || told[1] != clock.Confirmed || told[3] != clock.Returned {
		t.Errorf("told %v", told)
	}
}
