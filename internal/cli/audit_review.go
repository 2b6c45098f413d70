package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/index"
	"github.com/custos-zt/custos/internal/query"
	"github.com/custos-zt/custos/internal/review"
	"github.com/custos-zt/custos/internal/term"
)

// reviewFlags are the flags of `audit review`.
type reviewFlags struct {
	filterFlags
	html     string
	verdicts []string
	note     string
}

// reviewSince is how far back a review looks where nobody says.
const reviewSince = "24h"

func (a *app) auditReviewCommand() *cobra.Command {
	var f reviewFlags
	cmd := &cobra.Command{
		Use:   "review [--since TIME] [CONDITION…] [--html FILE] | --verdict ID=ok|bad [--note TEXT]",
		Short: "One page of what agents did and what deserves a second look",
		Long: `Show one page: what deserves a second look and why, denied attempts, approvals,
tools and hosts that were seen for the first time, and what was put in force.
Without --since it covers the last 24 hours. --html writes the page to a file that
needs nothing else; "-" is standard output.

The rules that pick what to look at are heuristics over what was recorded. A page
without findings is no proof that nothing happened.

--verdict records in the log what a person says of an entry. The page shows it from
then on.

Times: ` + query.TimeSyntax + `.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(f.verdicts) > 0 {
				return a.judge(f.verdicts, f.note)
			}
			if f.note != "" {
				return usage("--note goes with a verdict", "custos audit review --verdict d_7F3K=bad --note TEXT")
			}
			return a.review(cmd.Context(), &f)
		},
	}
	f.add(cmd, "subject", "agent", "tool", "session")
	cmd.Flags().StringVar(&f.html, "html", "", "write the page as HTML to this `file`")
	cmd.Flags().StringSliceVar(&f.verdicts, "verdict", nil, "record a verdict: `ID`=ok or ID=bad")
	cmd.Flags().StringVar(&f.note, "note", "", "`text` that goes with the verdicts")
	return cmd
}

func (a *app) review(ctx context.Context, f *reviewFlags) error {
	if f.terms.Since == "" {
		f.terms.Since = reviewSince
	}
	dir, filter, err := a.asked(&f.filterFlags)
	if err != nil {
		return err
	}
	x, err := a.freshIndex(ctx, dir)
	if err != nil {
		return err
	}
	report, err := a.reviewed(ctx, x, dir, &filter)
	if err != nil {
		return err
	}
	switch {
	case f.html == "-":
		return report.WriteHTML(a.Out, time.Local)
	case f.html != "":
		return a.writePage(f.html, report)
	case a.json:
		return json.NewEncoder(a.Out).Encode(report)
	default:
		for _, l := range a.reviewsDue() {
			a.say("to be reviewed: %s", reviewLine(&l, time.Now()))
		}
		return report.WriteText(a.Out, a.paint(), time.Local)
	}
}

// reviewed reads the log from where the index says that the range begins.
func (a *app) reviewed(ctx context.Context, x *index.Index, dir string, filter *query.Filter) (*review.Report, error) {
	var firsts []index.First
	var from audit.Position
	err := a.ask(ctx, x, func() (err error) {
		if firsts, err = x.Firsts(ctx, filter.Since); err == nil {
			from, err = x.Position(ctx, filter.Since)
		}
		return err
	})
	if err != nil {
		return nil, a.indexError(err)
	}
	var tools, hosts []review.First
	for _, n := range firsts {
		switch first := (review.First{Name: n.Tool, ID: n.ID, Time: n.Time}); {
		case !filter.Until.IsZero() && !n.Time.Before(filter.Until):
		case n.Tool == "":
			hosts = append(hosts, first)
		default:
			tools = append(tools, first)
		}
	}
	var c review.Collector
	c.Begin(filter.Since, filter.Until, tools, hosts)
	var p query.Pairer
	for r, err := range audit.Read(dir, audit.ReadOptions{From: from}) {
		if err != nil {
			return nil, unreadable(err)
		}
		e, known := p.Add(r)
		if r.Kind == audit.KindReview || known && filter.Match(&e) {
			c.Add(&e)
		}
	}
	report := c.Report()
	return &report, nil
}

// writePage writes the page to a file that the user alone can read.
func (a *app) writePage(name string, r *review.Report) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return failure(err, "")
	}
	if err := errors.Join(r.WriteHTML(file, time.Local), file.Close()); err != nil {
		return failure(err, "")
	}
	a.say("the page is in %s", term.Escape(name))
	return nil
}

// printVerdict says what was recorded.
func printVerdict(w io.Writer, r *audit.Record) {
	fmt.Fprintf(w, "%s  %s is %s\n", r.ID(), r.Judgement.Of, r.Judgement.Verdict)
}
