package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/internal/admin"
	"github.com/custos-zt/custos/internal/ask"
	"github.com/custos-zt/custos/internal/term"
)

func (a *app) leasesRevokeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "revoke ID", Short: "End a lease at once", Args: oneLease("revoke"),
		Long: `End a lease at once: no call passes by it from then on, in any process. To
tighten takes no proof.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.onLease(cmd.Context(), func(ctx context.Context, op *admin.Operator) (ask.LeaseView, error) {
				return op.Revoke(ctx, args[0])
			}, "%s  %s is revoked after %d of %d calls\n")
		},
	}
}

func (a *app) leasesReviewCommand() *cobra.Command {
	var note string
	cmd := &cobra.Command{
		Use: "review ID [--note TEXT]", Short: "Note that you looked at what was done under a lease", Args: oneLease("review"),
		Long: `Note that you looked at what was done under a lease that is over. Its calls are
in the log under the id of the lease:

  custos audit export --kind admission | grep '"lease":"l_4"'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(note) > maxNote {
				return usage(fmt.Sprintf("a note has at most %d bytes", maxNote), "keep the long story elsewhere and name it in the note")
			}
			return a.onLease(cmd.Context(), func(ctx context.Context, op *admin.Operator) (ask.LeaseView, error) {
				return op.Review(ctx, args[0], note)
			}, "%s  %s is reviewed: %d of %d calls\n")
		},
	}
	cmd.Flags().StringVar(&note, "note", "", "`text` that goes into the log")
	return cmd
}

func oneLease(verb string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usage(verb+" takes the id of one lease", "custos leases list")
		}
		return nil
	}
}

// onLease does something with one lease and says what it is now.
func (a *app) onLease(ctx context.Context, do func(context.Context, *admin.Operator) (ask.LeaseView, error), said string) error {
	c, err := a.counter()
	if errors.Is(err, errNoBook) {
		return &Error{Code: ExitFailure, Text: "there are no leases here", Hint: "name the state directory: --state DIR"}
	}
	if err != nil {
		return err
	}
	defer c.Close()
	l, err := do(ctx, c.op)
	if err != nil {
		return leaseError(err, "")
	}
	if a.json {
		return json.NewEncoder(a.Out).Encode(l)
	}
	fmt.Fprintf(a.Out, said, l.ID, l.Title, l.Used, l.Uses)
	return nil
}

// reviewsDue lists the leases that somebody has to look at. Whoever asks wants to
// know more than that: what keeps it from being read is said, and no failure.
func (a *app) reviewsDue() []ask.LeaseView {
	due, err := func() ([]ask.LeaseView, error) {
		c, err := a.counter()
		if err != nil {
			return nil, err
		}
		defer c.Close()
		return c.op.Due(context.Background())
	}()
	if err != nil && !errors.Is(err, errNoBook) {
		a.say("warning: which leases have to be reviewed cannot be read: %s", term.Escape(err.Error()))
	}
	if due == nil {
		due = []ask.LeaseView{}
	}
	return due
}

// reviewLine says in one line which lease has to be looked at, and by when.
func reviewLine(l *ask.LeaseView, now time.Time) string {
	return fmt.Sprintf("%s %s: %d calls, %s", l.ID, l.Title, l.Used, reviewDue(l, now))
}
