package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/term"
)

// askedByRule is how often one rule put calls to people: one element of
// `approvals stats --json`.
type askedByRule struct {
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

func (a *app) approvalsStatsCommand() *cobra.Command {
	since := 30 * 24 * time.Hour
	cmd := &cobra.Command{
		Use: "stats [--since DURATION]", Short: "How often each rule asks, and what could be narrowed", Args: cobra.NoArgs,
		Long: `Count from the log how often each rule put a call to a person and how it was
answered. Who is asked too often, or always says yes, no longer reads: such rules
come with a suggestion.`,
		RunE: func(*cobra.Command, []string) error { return a.approvalStats(time.Now().Add(-since)) },
	}
	cmd.Flags().DurationVar(&since, "since", since, "how far to look back")
	return cmd
}

func (a *app) approvalStats(since time.Time) error {
	dir, err := a.logDir()
	if err != nil {
		return err
	}
	rules := map[string]*askedByRule{}
	for r, err := range audit.Read(dir, audit.ReadOptions{Keep: func(r *audit.Record) bool {
		return r.Kind == audit.KindApproval && r.Rule != "" && !r.Time.Before(since)
	}}) {
		if err != nil {
			return &Error{Code: ExitCannotVerify, Text: plainError(err), Hint: "custos audit verify"}
		}
		of := rules[r.Rule]
		if of == nil {
			of = &askedByRule{Rule: r.Rule, hours: map[int64]int{}}
			rules[r.Rule] = of
		}
		of.count(&r)
	}
	list := []*askedByRule{}
	for _, of := range rules {
		of.sum()
		list = append(list, of)
	}
	slices.SortFunc(list, func(x, y *askedByRule) int { return cmp.Or(y.Asked-x.Asked, cmp.Compare(x.Rule, y.Rule)) })
	return a.printAsked(list)
}

// count takes one approval record into account.
func (s *askedByRule) count(r *audit.Record) {
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
func (s *askedByRule) sum() {
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

func (a *app) printAsked(list []*askedByRule) error {
	if a.json {
		return json.NewEncoder(a.Out).Encode(list)
	}
	if len(list) == 0 {
		fmt.Fprintln(a.Out, "nobody was asked")
		return nil
	}
	p := a.paint()
	for _, s := range list {
		fmt.Fprintf(a.Out, "%s  %s  asked %d times, %.1f an hour, at most %d; %d allowed, %d denied\n", p.Paint(term.Bold, term.Escape(s.Rule)),
			term.Escape(s.Position), s.Asked, s.PerHour, s.BusiestHour, s.Allowed, s.Denied)
		if s.Suggestion != "" {
			fmt.Fprintf(a.Out, "  %s\n", p.Paint(term.Yellow, s.Suggestion))
		}
	}
	return nil
}
