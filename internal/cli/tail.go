package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/term"
)

func (a *app) tailCommand() *cobra.Command {
	var all, stop bool
	cmd := &cobra.Command{
		Use:   "tail [--all] [--no-follow]",
		Short: "Follow the decisions of every running guard",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := a.logDir()
			if err != nil {
				return err
			}
			opt := audit.ReadOptions{Keep: shownInTail}
			if !all {
				// From now on; a log that does not exist yet is read from its start.
				if opt.From, err = audit.End(dir); err != nil {
					opt.From = nil
				}
			}
			records := audit.Follow(cmd.Context(), dir, opt)
			if stop {
				records = audit.Read(dir, audit.ReadOptions{Keep: shownInTail})
			}
			for r, err := range records {
				if err != nil {
					return &Error{Code: ExitCannotVerify, Text: plainError(err), Hint: "custos audit verify"}
				}
				a.printTail(&r)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "begin with the first record")
	cmd.Flags().BoolVar(&stop, "no-follow", false, "print what is there and end")
	return cmd
}

// shownInTail leaves out what only the log itself needs.
func shownInTail(r *audit.Record) bool {
	switch r.Kind {
	case audit.KindGenesis, audit.KindSegment, audit.KindOutcome:
		return false
	default:
		return true
	}
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
