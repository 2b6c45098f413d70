package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/internal/admin"
	"github.com/custos-zt/custos/internal/term"
)

func (a *app) approvalsStatsCommand() *cobra.Command {
	since := 30 * 24 * time.Hour
	cmd := &cobra.Command{
		Use: "stats [--since DURATION]", Short: "How often each rule asks, and what could be narrowed", Args: cobra.NoArgs,
		Long: `Count from the log how often each rule put a call to a person and how it was
answered. Who is asked too often, or always says yes, no longer reads: such rules
come with a suggestion.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.approvalStats(cmd.Context(), time.Now().Add(-since))
		},
	}
	cmd.Flags().DurationVar(&since, "since", since, "how far to look back")
	return cmd
}

func (a *app) approvalStats(ctx context.Context, since time.Time) error {
	dir, err := a.logDir()
	if err != nil {
		return err
	}
	// The log is read here: no guard has to.
	o := admin.New(admin.Options{LogDir: dir}).For(admin.Caller{Capability: admin.Viewer})
	list, err := o.Stats(ctx, since)
	if err != nil {
		return &Error{Code: ExitCannotVerify, Text: plainError(err), Hint: "custos audit verify"}
	}
	return a.printAsked(list)
}

func (a *app) printAsked(list []*admin.RuleStats) error {
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
