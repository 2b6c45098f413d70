package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/internal/admin"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/ask"
)

// standingFlags say how far an answer stands for later calls.
type standingFlags struct {
	uses int
	as   string
	long time.Duration
}

func (f *standingFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.IntVar(&f.uses, "standing", 0, "let the answer stand for so many later `calls` (default: as many as the rule says, or 20)")
	flags.Lookup("standing").NoOptDefVal = "0"
	flags.StringVar(&f.as, "as", "same", "how much like this one they have to be: `name` of what custos approvals list shows")
	flags.DurationVar(&f.long, "for", 0, "for how long it stands, such as `15m` (default: as long as the rule says)")
}

// into adds what the flags say to an answer.
func (f *standingFlags) into(said *admin.Answer, cmd *cobra.Command) error {
	flags := cmd.Flags()
	stands := flags.Changed("standing")
	switch {
	case !stands && (flags.Changed("as") || flags.Changed("for")):
		return usage("--as and --for say how far an answer stands, and it does not", "add --standing")
	case !stands:
		return nil
	case f.uses < 0 || f.long < 0:
		return usage("an answer stands for some calls and some time", "custos approvals allow ID --standing=5 --for 15m")
	}
	said.Standing, said.Uses, said.For = f.as, f.uses, approval.Span(f.long)
	return nil
}

// opened says which lease an answer opened, if it did.
func opened(v *ask.View) string {
	if v.Lease == "" {
		return ""
	}
	return "; " + v.Lease + " answers later calls like it (see: custos leases)"
}

// printStanding shows how far an answer could stand.
func (a *app) printStanding(v *ask.View, width int) {
	for i, l := range ask.CandidateLines(v.Standing) {
		name := ""
		if i == 0 {
			name = "standing"
		}
		fmt.Fprintf(a.Out, "  %-*s   %s\n", width, name, l)
	}
}

// howFar asks how far an answer shall stand; "" is not at all.
func (w *vigil) howFar(ctx context.Context, v *ask.View, ticks <-chan time.Time) (string, error) {
	fmt.Fprint(w.app.Out, "  1, 2, … or [enter] for not at all: ")
	line, err := w.line(ctx, v, ticks)
	if err != nil {
		return "", err
	}
	chosen, _ := ask.Chosen(v.Standing, line)
	return chosen, nil
}
