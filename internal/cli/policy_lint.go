package cli

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/internal/inventory"
	"github.com/custos-zt/custos/internal/proof"
	"github.com/custos-zt/custos/internal/term"
	"github.com/custos-zt/custos/policy"
)

func (a *app) policyLintCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "lint FILE…",
		Short: "Find rules that never act, say nothing new, or less than they seem to",
		Long: `Look at a valid policy for what it probably does not mean:

  dead                 a deny takes everything that the rule could grant
  contradiction        conditions that nothing satisfies
  duplicate, redundant another rule does the same
  regex                anchors that say something else than they seem to
  unknown-tool         a pattern that covers no tool of a known server
  undeclared-argument  a constraint on an argument that a tool does not have
  unconstrained        any text reaches a tool that has side effects

Regular expressions and CEL are not taken apart: where a question hangs on one,
the answer is "unknown". Exit 3 where the policy is not valid or a finding is an
error: a rule that certainly never acts.`,
		RunE: func(_ *cobra.Command, files []string) error {
			if len(files) == 0 {
				return usage("no policy file was given", "custos policy lint FILE…")
			}
			return a.lint(files)
		},
	}
}

func (a *app) lint(files []string) error {
	bench, err := a.bench(files)
	if err != nil {
		return err
	}
	findings, problems := bench.Lint()
	a.printProblems(problems)
	if findings == nil {
		return invalidPolicy()
	}
	failed := false
	for _, f := range findings {
		failed = failed || f.Severity == "error"
		if !a.json {
			fmt.Fprintln(a.Out, term.Escape(f.String()))
		}
	}
	if a.json {
		if err := json.NewEncoder(a.Out).Encode(findings); err != nil {
			return failure(err, "")
		}
	} else {
		fmt.Fprintf(a.Out, "findings: %d\n", len(findings))
	}
	if failed {
		return status(ExitPolicy)
	}
	return nil
}

// bench reads policy files for a proof. "-" is standard input.
func (a *app) bench(files []string) (*proof.Bench, error) {
	registry, err := inventory.LoadRegistry()
	if err != nil {
		return nil, failure(err, "")
	}
	conf, err := a.config()
	if err != nil {
		return nil, err
	}
	b := &proof.Bench{Options: withTeams(policyOptions("", registry), conf), Registry: registry}
	for _, name := range files {
		data, err := a.read(name)
		if err != nil {
			return nil, &Error{Code: ExitPolicy, Text: err.Error()}
		}
		b.Sources = append(b.Sources, policy.Source{Name: name, Data: data})
	}
	return b, nil
}
