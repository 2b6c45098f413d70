package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/internal/inventory"
	"github.com/custos-zt/custos/internal/proof"
	"github.com/custos-zt/custos/internal/term"
	"github.com/custos-zt/custos/policy"
)

// testFlags are the flags of `policy test`.
type testFlags struct {
	coverage, mutate bool
	workers          int
	beside           []string
}

func (a *app) policyTestCommand() *cobra.Command {
	var f testFlags
	cmd := &cobra.Command{
		Use:   "test FILE…",
		Short: "Run tables of tests against policies (exit 4 where a case fails)",
		Long: `Run files of tests. Each names its policy, relative to itself, and lists calls
with the outcome that is meant and the rule that is meant to cause it:

  policy: [policy.yaml]
  home: /home/dev                   # what ~ means
  now: 2026-11-20T10:00:00Z         # the clock stands still
  teams: {support: {groups: [desk]}}
  defaults: {backend: files}
  cases:
    - name: reads in the project
      tool: read_text_file
      matrix: {arguments: [{path: /home/dev/src/app/a}, {path: /home/dev/src/site/b}]}
      expect: {decision: allow, rule: files}

A case has the fields of a request of "policy eval", and is decided for every
combination of its matrix. A policy file can hold the same under "tests", but for
"policy": such tests also run before the policy is put in force, together with the
files that are read with it (--beside).

--coverage lists what no case showed. --mutate makes small mistakes in the
policy, one at a time, and lists those that no case notices: a rule dropped or
turned around, a pattern widened, a condition lost, a bound off by one.`,
		RunE: func(cmd *cobra.Command, files []string) error {
			if len(files) == 0 {
				return usage("no file of tests was given", "custos policy test FILE…")
			}
			return a.testPolicies(cmd.Context(), files, f)
		},
	}
	cmd.Flags().BoolVar(&f.coverage, "coverage", false, "list rules and conditions that no case exercised")
	cmd.Flags().BoolVar(&f.mutate, "mutate", false, "list mistakes in the policy that no case notices")
	cmd.Flags().StringArrayVar(&f.beside, "beside", nil, "policy `file` that a policy with tests of its own belongs to, may be repeated")
	cmd.Flags().IntVar(&f.workers, "workers", 0, "how many mutants are run at once (0: one a processor)")
	return cmd
}

// testPolicies runs every file; the worst outcome is the exit status.
func (a *app) testPolicies(ctx context.Context, files []string, f testFlags) error {
	registry, err := inventory.LoadRegistry()
	if err != nil {
		return failure(err, "")
	}
	all := []*proof.Outcome{}
	failed := false
	for _, name := range files {
		out, err := a.testPolicy(ctx, name, f, registry)
		if err != nil {
			return err
		}
		all = append(all, out)
		failed = failed || out.Failed > 0 || out.Mutation != nil && len(out.Mutation.Survivors) > 0
		if !a.json {
			a.printOutcome(out)
		}
	}
	if a.json {
		if err := json.NewEncoder(a.Out).Encode(all); err != nil {
			return failure(err, "")
		}
	}
	if failed {
		return status(ExitPolicyTests)
	}
	return nil
}

// testPolicy runs one file of tests.
func (a *app) testPolicy(ctx context.Context, name string, f testFlags, registry *inventory.Registry) (*proof.Outcome, error) {
	data, err := a.read(name)
	if err != nil {
		return nil, failure(err, "")
	}
	suite, problems := proof.ReadSuite(name, data)
	if policy.Failed(problems) {
		a.printProblems(problems)
		return nil, &Error{Code: ExitPolicyTests, Text: "the tests cannot be read: " + name}
	}
	bench := proof.Bench{Options: policyOptions("", registry), Registry: registry}
	if suite.Home != "" {
		bench.Options.Home = suite.Home
	}
	bench.Options.Teams = suite.Teams
	if suite.Embedded {
		for _, other := range f.beside {
			text, err := a.read(other)
			if err != nil {
				return nil, &Error{Code: ExitPolicy, Text: err.Error(), Err: err}
			}
			bench.Sources = append(bench.Sources, policy.Source{Name: other, Data: text})
		}
		bench.Sources = append(bench.Sources, policy.Source{Name: name, Data: data})
	}
	dir := filepath.Dir(name)
	if name == "-" {
		dir = "."
	}
	for _, p := range suite.Policy {
		if !filepath.IsAbs(p) {
			p = filepath.Join(dir, p)
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return nil, &Error{Code: ExitPolicy, Text: err.Error()}
		}
		bench.Sources = append(bench.Sources, policy.Source{Name: p, Data: data})
	}
	out, problems := bench.Run(suite, f.coverage)
	a.printProblems(problems)
	if out == nil {
		return nil, &Error{Code: ExitPolicy, Text: "the policy is not valid", Hint: "custos policy check shows every problem"}
	}
	if f.mutate && out.Failed == 0 {
		if out.Mutation, err = bench.Mutate(ctx, suite, f.workers); err != nil {
			return nil, failure(err, "")
		}
	}
	return out, nil
}

// printProblems says what is wrong with a file, on standard error.
func (a *app) printProblems(problems []policy.Problem) {
	for _, p := range problems {
		if p.Severity == policy.Error || !a.quiet {
			fmt.Fprintln(a.Err, term.Escape(p.String()))
		}
	}
}

// printOutcome shows what failed, then what no case showed or noticed.
func (a *app) printOutcome(o *proof.Outcome) {
	p := a.paint()
	for _, r := range o.Results {
		if !r.Passed {
			fmt.Fprintf(a.Out, "%s  %s:%d: %s\n  want %s\n  got  %s\n", p.Paint(term.Red, "FAIL"), term.Escape(o.File), r.Line,
				term.Escape(r.Name), term.Escape(r.Wanted), term.Escape(r.Became))
		}
	}
	if o.Failed > 0 {
		fmt.Fprintf(a.Out, "%s: %d of %d cases failed\n", term.Escape(o.File), o.Failed, o.Cases)
	} else {
		fmt.Fprintf(a.Out, "%s: %d cases passed, %s\n", term.Escape(o.File), o.Cases, o.Digest)
	}
	if o.Coverage != nil {
		a.printCoverage(o.Coverage)
	}
	if o.Mutation != nil {
		a.printMutation(o.Mutation)
	}
}

func (a *app) printCoverage(c *proof.Coverage) {
	fmt.Fprintf(a.Out, "coverage: of %d rules %d matched and %d determined an outcome\n", c.Rules, c.Matched, c.Determined)
	for _, g := range c.Gaps {
		what := "rule " + g.Rule
		if g.Field != "" {
			what += ": " + g.Field + " " + g.Text
		}
		verb := " was never "
		switch g.Never {
		case "matched":
			verb = " never "
		case "determined":
			verb = " matched and never "
		}
		fmt.Fprintf(a.Out, "  %s: %s\n", term.Escape(g.Position), term.Escape(what+verb+g.Never))
	}
}

func (a *app) printMutation(m *proof.Mutation) {
	p := a.paint()
	for _, s := range m.Survivors {
		where := ""
		if s.Rule != "" {
			where = "rule " + s.Rule + ": "
		}
		fmt.Fprintf(a.Out, "%s  %s:%d: %s: %s\n", p.Paint(term.Red, "SURVIVED"), term.Escape(s.File), s.Line, s.Operator, term.Escape(where+s.Change))
	}
	killed, survived, invalid := 0, 0, 0
	for _, op := range m.Operators {
		fmt.Fprintf(a.Out, "  %-14s %4d killed  %4d survived  %4d did not compile\n", op.Name, op.Killed, op.Survived, op.Invalid)
		killed, survived, invalid = killed+op.Killed, survived+op.Survived, invalid+op.Invalid
	}
	fmt.Fprintf(a.Out, "mutants: %d killed, %d survived, %d did not compile\n", killed, survived, invalid)
}
