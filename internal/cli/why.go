package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/query"
	"github.com/custos-zt/custos/internal/term"
)

func (a *app) whyCommand() *cobra.Command {
	var f filterFlags
	cmd := &cobra.Command{
		Use:   "why [ID] [CONDITION…]",
		Short: "Explain one decision (default: the last refusal)",
		Long: `Explain one decision: the one with this id, else the last refusal that matches.

` + filterHelp,
		RunE: func(_ *cobra.Command, args []string) error {
			switch len(args) {
			case 0:
				return a.whyLast(&f)
			case 1:
				return a.why(args[0])
			default:
				return usage("why takes one decision id", "custos why "+args[0])
			}
		},
	}
	f.add(cmd, "subject", "agent", "tool", "reason", "rule", "policy", "path", "host", "session")
	return cmd
}

// whyLast explains the last refusal that matches.
func (a *app) whyLast(f *filterFlags) error {
	dir, filter, err := a.asked(f)
	if err != nil {
		return err
	}
	rec, err := audit.Last(dir, func(r *audit.Record) bool {
		return r.Kind == audit.KindAdmission && r.Decision == access.Deny && filter.Match(&query.Entry{Record: *r})
	})
	if errors.Is(err, audit.ErrNotFound) {
		return &Error{Code: ExitFailure, Text: "nothing was refused yet, or nothing that matches"}
	}
	if err != nil {
		return &Error{Code: ExitFailure, Text: plainError(err), Hint: "name the state directory: --state DIR"}
	}
	return a.explainRecord(&rec)
}

func (a *app) why(id string) error {
	rec, err := a.find(id)
	if err != nil {
		return err
	}
	if rec.Kind == audit.KindOutcome || rec.Kind == audit.KindOutcomeUnknown {
		if rec, err = a.find(audit.FormatID(rec.Slot, rec.Admission)); err != nil {
			return err
		}
	}
	if rec.Kind != audit.KindAdmission && rec.Kind != audit.KindApproval {
		return &Error{Code: ExitFailure, Text: fmt.Sprintf("%s is a %s, not a decision", id, rec.Kind), Hint: "custos audit show " + id}
	}
	return a.explainRecord(&rec)
}

// explainRecord says why a recorded decision was taken.
func (a *app) explainRecord(r *audit.Record) error {
	k := a.unseal(r)
	if a.json {
		return a.printWhy(r, k)
	}
	p := a.paint()
	verdict := p.Paint(term.Red, "DENIED")
	switch r.Decision {
	case access.Allow:
		verdict = p.Paint(term.Green, "ALLOWED")
	case access.Approve:
		verdict = p.Paint(term.Yellow, "HELD")
	default:
	}
	fmt.Fprintf(a.Out, "%s  %s  %s  %s%s\n", r.ID(), verdict, targetOf(r), r.Time.Local().Format("2006-01-02 15:04:05"), by(r))
	because := access.Meaning(r.Reason)
	if r.Message != "" {
		because = r.Message
	}
	fmt.Fprintf(a.Out, "because   %s  (%s)\n", term.Escape(because), r.Reason)
	if r.Rule != "" {
		fmt.Fprintf(a.Out, "rule      %s  %s\n", term.Escape(r.Rule), term.Escape(r.Position))
	}
	if ap := r.Approval; ap != nil && ap.By == "" {
		fmt.Fprintf(a.Out, "to allow  custos approvals allow %s\n", term.Escape(ap.ID))
	} else if ap != nil {
		fmt.Fprintf(a.Out, "answered  %s %s%s\n", term.Escape(ap.ID), term.Escape(ap.State), answeredBy(ap))
	}
	if r.Lease != "" {
		fmt.Fprintf(a.Out, "lease     %s  (see: custos leases list --all)\n", term.Escape(r.Lease))
	}
	for _, m := range r.Matched {
		if m.Rule != r.Rule {
			fmt.Fprintf(a.Out, "matched   %s (%s, %s)  %s\n", term.Escape(m.Rule), m.Effect, m.Truth, term.Escape(m.Position))
		}
	}
	if r.StepUp != nil {
		fmt.Fprintf(a.Out, "requires  %s\n", term.Escape(r.StepUp.String()))
	}
	if n := r.Nearest; n != nil {
		fmt.Fprintf(a.Out, "nearest   %s  %s%s\n", term.Escape(n.Rule), term.Escape(n.Position), wanting(n.Open))
	}
	a.printWords("labelled", r.AddLabels)
	a.printWords("notified", r.Notify)
	a.printArgs(r, k)
	for _, o := range r.Provenance {
		fmt.Fprintf(a.Out, "from      %s: %s\n", term.Escape(o.Of), term.Escape(o.From))
	}
	fmt.Fprintf(a.Out, "policy    %s\n", r.PolicyDigest)
	fmt.Fprintf(a.Out, "record    %d:%d, decided in %d µs, isolation %s\n", r.Slot, r.Seq, r.EvalUS, r.Isolation)
	return tampered(k)
}

// by says who asked, as far as it is known.
func by(r *audit.Record) string {
	out := ""
	if r.Subject != "" {
		out += "  " + term.Escape(r.Subject)
	}
	if r.Client != "" {
		out += " via " + term.Escape(r.Client)
	}
	return out
}
