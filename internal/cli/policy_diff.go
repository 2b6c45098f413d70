package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/internal/proof"
	"github.com/custos-zt/custos/internal/term"
)

func (a *app) policyDiffCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Show what a new version of a policy allows or denies, each with a request",
		Long: `Look for requests that two policies decide differently. Each class of them is
shown with one request that both have decided; "policy eval" decides it again.

Requests are made of the rules of both policies: their patterns, values, bounds
and places, each met and missed, and every restriction over every grant. Where
nothing is found, the answer rests on the number of requests that were tried.`,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usage("two policies are compared", "custos policy diff OLD NEW")
			}
			older, err := a.bench(args[:1])
			if err != nil {
				return err
			}
			newer, err := a.bench(args[1:])
			if err != nil {
				return err
			}
			c, problems := proof.Compare(older, newer)
			a.printProblems(problems)
			if c == nil {
				return invalidPolicy()
			}
			if a.json {
				return json.NewEncoder(a.Out).Encode(c)
			}
			a.printComparison(c)
			return nil
		},
	}
}

func (a *app) printComparison(c *proof.Comparison) {
	p := a.paint()
	for i := range c.Differences {
		d := &c.Differences[i]
		style := term.Red
		if d.Change == "allowed" {
			style = term.Green
		}
		fmt.Fprintf(a.Out, "%s  %s  %s → %s\n", p.Paint(style, "newly "+d.Change), term.Escape(d.Target), d.Old.Decision, d.New.Decision)
		fmt.Fprintf(a.Out, "  old  %s\n  new  %s\n  %s\n", verdictText(d.Old), verdictText(d.New), term.Escape(string(d.Request)))
		if len(d.Also) > 0 {
			fmt.Fprintf(a.Out, "  also %s\n", term.Escape(strings.Join(d.Also, ", ")))
		}
	}
	more := ""
	if !c.Complete {
		more = ", and there were more to try"
	}
	fmt.Fprintf(a.Out, "differences: %d, of %d requests tried%s\n", len(c.Differences), c.Tried, more)
}

func verdictText(v proof.Verdict) string {
	if v.Rule == "" {
		return string(v.Reason)
	}
	return string(v.Reason) + " by " + term.Escape(v.Rule) + "  " + term.Escape(v.Position)
}
