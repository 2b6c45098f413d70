package admin

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
)

// RuleStats is how often one rule put calls to people.
type RuleStats struct {
	Rule     string `json:"id"`
	Position string `json:"position"`
	Asked    int    `json:"asked"`
	Allowed  int    `json:"allowed"`
	Denied   int    `json:"denied"`
	// BusiestHour is the most that were asked within one hour, PerHour the
	// average over the hours with any.
	BusiestHour int     `json:"busiest_hour"`
	PerHour     float64 `json:"per_hour"`
	// Suggestion says what to narrow, "" where the rule does not tire people.
	Suggestion string `json:"suggestion,omitempty"`

	hours map[int64]int
}

const (
	// tiring is how many questions an hour a person begins to answer unread.
	tiring = 10
	// mostly is the share of answers that allow, of enough answers, above which
	// the question is a habit.
	mostly, enough = 0.95, 20
)

// Stats counts from the log how often each rule asked since then, most often
// first. One caller at a time reads the log for it.
func (o *Operator) Stats(ctx context.Context, since time.Time) ([]*RuleStats, error) {
	if err := o.may(Viewer); err != nil {
		return nil, err
	}
	o.long.Lock()
	defer o.long.Unlock()
	rules := map[string]*RuleStats{}
	for r, err := range audit.Read(o.opt.LogDir, audit.ReadOptions{Keep: func(r *audit.Record) bool {
		return ctx.Err() != nil || r.Kind == audit.KindApproval && r.Rule != "" && !r.Time.Before(since)
	}}) {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return nil, err
		}
		of := rules[r.Rule]
		if of == nil {
			of = &RuleStats{Rule: r.Rule, hours: map[int64]int{}}
			rules[r.Rule] = of
		}
		of.count(&r)
	}
	list := []*RuleStats{}
	for _, of := range rules {
		of.sum()
		list = append(list, of)
	}
	slices.SortFunc(list, func(x, y *RuleStats) int { return cmp.Or(y.Asked-x.Asked, cmp.Compare(x.Rule, y.Rule)) })
	return list, nil
}

// count takes one approval record into account.
func (s *RuleStats) count(r *audit.Record) {
	s.Position = r.Position
	switch r.Decision {
	case access.Allow:
		s.Allowed++
	case access.Deny:
		s.Denied++
	case access.Approve:
		if r.Approval != nil && r.Approval.By != "" {
			return // one answer of several
		}
		s.Asked++
		s.hours[r.Time.Unix()/int64(time.Hour/time.Second)]++
	default:
	}
}

// sum works out what the counts come to.
func (s *RuleStats) sum() {
	for _, n := range s.hours {
		s.BusiestHour = max(s.BusiestHour, n)
	}
	if len(s.hours) > 0 {
		s.PerHour = float64(s.Asked) / float64(len(s.hours))
	}
	answers := s.Allowed + s.Denied
	switch {
	case answers >= enough && float64(s.Allowed) >= mostly*float64(answers):
		s.Suggestion = fmt.Sprintf("%d of %d were allowed: allow the usual case by a narrower rule, and ask about the rest", s.Allowed, answers)
	case s.BusiestHour > tiring:
		s.Suggestion = fmt.Sprintf("%d questions in one hour are not read: narrow the rule, or deny what is never wanted", s.BusiestHour)
	}
}
