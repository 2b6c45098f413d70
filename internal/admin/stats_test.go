package admin

import (
	"strings"
	"testing"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
)

func TestWhatTiresPeople(t *testing.T) {
	start := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name                   string
		asked, allowed, denied int
		every                  time.Duration
		busiest                int
		suggestion             string
	}{
		{"now and then", 6, 5, 1, 20 * time.Minute, 3, ""},
		{"a habit", 24, 24, 0, time.Hour, 1, "24 of 24 were allowed"},
		{"mostly yes is no habit", 24, 22, 2, time.Hour, 1, ""},
		{"too few answers for a habit", 19, 19, 0, time.Hour, 1, ""},
		{"ten an hour", 10, 0, 10, time.Minute, 10, ""},
		{"eleven an hour", 11, 0, 0, time.Minute, 11, "11 questions in one hour"},
	} {
		s := &RuleStats{hours: map[int64]int{}}
		for i := range c.asked {
			s.count(&audit.Record{Decision: access.Approve, Time: start.Add(time.Duration(i) * c.every), Approval: &audit.Approval{ID: "a_1"}})
		}
		for range c.allowed {
			s.count(&audit.Record{Decision: access.Allow, Time: start})
		}
		for range c.denied {
			s.count(&audit.Record{Decision: access.Deny, Time: start})
		}
		s.count(&audit.Record{Decision: access.Approve, Time: start, Approval: &audit.Approval{By: "os:ann"}}) // one of two
		s.sum()
		if s.Asked != c.asked || s.BusiestHour != c.busiest {
			t.Errorf("%s: asked %d, at most %d", c.name, s.Asked, s.BusiestHour)
		}
		if (s.Suggestion == "") != (c.suggestion == "") || !strings.Contains(s.Suggestion, c.suggestion) {
			t.Errorf("%s: %q", c.name, s.Suggestion)
		}
	}
}
