package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/internal/admin"
	"github.com/custos-zt/custos/internal/approval/book"
	"github.com/custos-zt/custos/internal/ask"
	"github.com/custos-zt/custos/internal/term"
)

func (a *app) leasesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "leases", Short: "Permissions that answer held calls in a person's place", Args: cobra.NoArgs,
		Long: `A lease is a narrow, counted permission that ends by itself. It answers what
rules hold for a person, where they let an answer stand (approval: standing), and
nothing else: what a rule denies stays denied. An answer to a held call can open
one (custos approvals allow ID --standing), somebody can grant one, and a rule
can issue one with every answer.

  custos leases                        those that count now
  custos leases revoke l_4             end one at once`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.listLeases(cmd.Context(), false) },
	}
	cmd.AddCommand(a.leasesListCommand(), a.leasesGrantCommand(), a.leasesRevokeCommand(), a.leasesReviewCommand())
	return cmd
}

func (a *app) leasesListCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "list [--all]", Short: "The leases that count now", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.listLeases(cmd.Context(), all) },
	}
	cmd.Flags().BoolVar(&all, "all", false, "also those that are over, as long as they are remembered")
	return cmd
}

func (a *app) listLeases(ctx context.Context, all bool) error {
	list := []ask.LeaseView{}
	c, err := a.counter()
	if err == nil {
		defer c.Close()
		list, err = c.op.Leases(ctx, all)
	}
	if err != nil && !errors.Is(err, errNoBook) {
		return leaseError(err, "")
	}
	if a.json {
		return json.NewEncoder(a.Out).Encode(list)
	}
	if len(list) == 0 {
		fmt.Fprintln(a.Out, "there are no leases")
	}
	for i := range list {
		a.printLease(&list[i], time.Now())
	}
	return nil
}

// printLease shows one lease.
func (a *app) printLease(l *ask.LeaseView, now time.Time) {
	p := a.paint()
	left := string(l.State)
	if l.State == "live" {
		left = span(l.Expires.Sub(now)) + " left"
	}
	if l.Problem != "" {
		fmt.Fprintf(a.Out, "%s  %s\n", p.Paint(term.Bold, l.ID), p.Paint(term.Red, l.Problem))
		return
	}
	fmt.Fprintf(a.Out, "%s  %s  %s     %d of %d calls used, %s\n", p.Paint(term.Bold, l.ID), p.Paint(term.Bold, l.Title), forWhom(l), l.Used, l.Uses, left)
	for _, line := range [][2]string{
		{"covers", l.Covers}, {"answers", strings.Join(l.Rules, ", ")}, {"purpose", l.Purpose}, {"from", cameFrom(l)}, {"review", reviewDue(l, now)},
	} {
		if line[1] != "" && (line[0] != "answers" || l.Glass == "") {
			fmt.Fprintf(a.Out, "  %-7s   %s\n", line[0], line[1])
		}
	}
}

func forWhom(l *ask.LeaseView) string {
	text := "for " + l.Subject
	if l.Client != "" {
		text += " by " + l.Client
	}
	if l.Root != "" {
		text += " in " + l.Root
	}
	return text
}

// cameFrom says how a lease came about.
func cameFrom(l *ask.LeaseView) string {
	text := string(l.Origin)
	if l.Request != "" {
		text += " " + l.Request
	}
	for i, v := range l.Answers {
		text += map[bool]string{true: ", answered by ", false: " and "}[i == 0] + term.Escape(v.By) + " (" + term.Escape(v.Channel) + ", " + term.Escape(v.Assurance) + ")"
	}
	return text
}

// reviewDue says when somebody has to look at what was done, or did.
func reviewDue(l *ask.LeaseView, now time.Time) string {
	switch {
	case !l.Reviewed.IsZero():
		return "done by " + l.Reviewer
	case l.Due.IsZero():
		return ""
	case now.Before(l.Due):
		return "due in " + span(l.Due.Sub(now))
	default:
		return "OVERDUE since " + l.Due.Local().Format("2006-01-02 15:04") + ": custos leases review " + l.ID
	}
}

// leaseError says why something was not done with a lease.
func leaseError(err error, hint string) error {
	e := &Error{Code: ExitDenied, Text: err.Error(), Hint: hint, Err: err}
	switch refusedAs(err) {
	case admin.NotFound:
		e.Code, e.Hint = ExitFailure, "custos leases list --all"
	case admin.Settled, admin.Expired:
		e.Code, e.Hint = ExitFailure, "custos leases list --all"
		if errors.As(err, new(*book.SettledError)) {
			e.Hint = "custos approvals list --all"
		}
	case admin.Invalid:
		e.Code = ExitUsage
	case admin.Assurance:
		e.Hint = "with a device that is enrolled: --code CODE"
	case admin.NoDevice, admin.WrongCode, admin.CodeLocked:
		e.Hint = codeHint(refusedAs(err))
	case admin.Self, admin.Group, admin.Unknown, admin.Standing, admin.NotAllowed:
	case admin.Evidence:
		e.Code = ExitEvidence
	default:
		var known *Error
		if errors.As(err, &known) {
			return err
		}
		return failure(err, hint)
	}
	return e
}
