package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/query"
	"github.com/custos-zt/custos/internal/term"
)

// tailFlags are the flags of `tail`.
type tailFlags struct {
	filterFlags
	all, stop bool
}

func (a *app) tailCommand() *cobra.Command {
	var f tailFlags
	cmd := &cobra.Command{
		Use:   "tail [CONDITION…] [--all] [--no-follow]",
		Short: "Follow the decisions of every running guard",
		Long: `Print decisions and events as they come, or with --since those from then on first.
Outcomes are printed where their kind or a label is asked for.

` + filterHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.tail(cmd.Context(), &f) },
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&f.all, "all", false, "begin with the first record")
	cmd.Flags().BoolVar(&f.stop, "no-follow", false, "print what is there and end")
	return cmd
}

func (a *app) tail(ctx context.Context, f *tailFlags) error {
	dir, filter, err := a.asked(&f.filterFlags)
	if err != nil {
		return err
	}
	opt := audit.ReadOptions{}
	if !f.all && f.terms.Since == "" {
		// From now on; a log that does not exist yet is read from its start.
		if opt.From, err = audit.End(dir); err != nil {
			opt.From = nil
		}
	}
	records := audit.Follow(ctx, dir, opt)
	if f.stop {
		records = audit.Read(dir, audit.ReadOptions{})
	}
	var p query.Pairer
	for r, err := range records {
		if err != nil {
			return &Error{Code: ExitCannotVerify, Text: plainError(err), Hint: "custos audit verify"}
		}
		if e, _ := p.Add(r); shownInTail(&r, &filter) && filter.Match(&e) {
			a.printTail(&r)
		}
	}
	return nil
}

// shownInTail leaves out what only the log itself needs, and outcomes unless
// they are asked for.
func shownInTail(r *audit.Record, f *query.Filter) bool {
	if r.Kind != audit.KindOutcome {
		return len(f.Kind) > 0 || !query.Bookkeeping(r.Kind)
	}
	return len(f.Label) > 0 || slices.Contains(f.Kind, string(audit.KindOutcome))
}

func (a *app) printTail(r *audit.Record) {
	if a.json {
		fmt.Fprintf(a.Out, "%s\n", r.ExportJSON())
		return
	}
	p := a.paint()
	at := r.Time.Local().Format("15:04:05")
	switch {
	case r.Kind == audit.KindApproval && r.Approval != nil:
		fmt.Fprintf(a.Out, "%s  %s %s  %s  %s %s%s%s\n", at, p.Paint(term.Yellow, "approval"), r.ID(), targetOf(r),
			term.Escape(r.Approval.ID), term.Escape(r.Approval.State), answeredBy(r.Approval), rule(r))
	case r.Kind == audit.KindLease && r.Approval != nil:
		fmt.Fprintf(a.Out, "%s  %s %s  %s %s%s  %s\n", at, p.Paint(term.Yellow, "lease   "), r.ID(), term.Escape(cmp.Or(r.Lease, r.Approval.ID)),
			term.Escape(r.Approval.State), answeredBy(r.Approval), term.Escape(r.Detail))
	case r.Kind != audit.KindAdmission:
		fmt.Fprintf(a.Out, "%s  %-8s %s  %s %s\n", at, r.Kind, r.ID(), term.Escape(r.Backend), term.Escape(r.Detail))
	case r.Decision == access.Allow:
		fmt.Fprintf(a.Out, "%s  %s %s  %s%s\n", at, p.Paint(term.Green, "allow   "), r.ID(), targetOf(r), rule(r))
	default:
		fmt.Fprintf(a.Out, "%s  %s %s  %s  %s%s\n", at, p.Paint(term.Red, "deny    "), r.ID(), targetOf(r), r.Reason, rule(r))
	}
}

// answeredBy says who answered, and how; "" where nobody did yet.
func answeredBy(a *audit.Approval) string {
	if a.By == "" {
		return ""
	}
	return " by " + term.Escape(a.By) + " (" + term.Escape(a.Channel) + ", " + term.Escape(a.Assurance) + ")"
}

func rule(r *audit.Record) string {
	if r.Rule == "" {
		return ""
	}
	return "  rule " + term.Escape(r.Rule) + "  " + term.Escape(r.Position)
}
