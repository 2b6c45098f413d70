package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/internal/inventory"
	"github.com/custos-zt/custos/internal/proof"
	"github.com/custos-zt/custos/internal/term"
	"github.com/custos-zt/custos/policy"
)

func (a *app) policyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Check policies, decide and explain requests",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.policyCheckCommand(), a.policyEvalCommand(), a.policyExplainCommand(), a.policyImportCommand(),
		a.policyFmtCommand(), a.policySchemaCommand(), a.policySignCommand(), a.policyVerifyCommand(),
		a.policyHistoryCommand(), a.policyShowCommand(), a.policyRollbackCommand())
	cmd.AddCommand(a.policyTestCommand(), a.policyLintCommand(), a.policyWhoCanCommand(), a.policyCanCommand(), a.policyDiffCommand(), a.policyGraphCommand(), a.policyAddCommand())
	return cmd
}

// checkReport is `policy check --json`.
type checkReport struct {
	Valid    bool             `json:"valid"`
	Digest   string           `json:"policy_digest,omitempty"`
	Rules    int              `json:"rules"`
	Tests    int              `json:"tests"` // the policy's own, all passed where it is valid
	Problems []policy.Problem `json:"problems"`
}

func (a *app) policyCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE…",
		Short: "Report every problem of policy files (exit 3 where there is an error)",
		Long: `Read policy files as one policy and report every problem with its place, then run
the tests that they hold under "tests" (exit 4 where one fails). "-" is standard
input.`,
		RunE: func(_ *cobra.Command, files []string) error {
			if len(files) == 0 {
				return usage("no policy file was given", "custos policy check FILE…")
			}
			return a.check(files)
		},
	}
}

func (a *app) check(files []string) error {
	registry, err := inventory.LoadRegistry()
	if err != nil {
		return failure(err, "")
	}
	reader, err := a.readerFor(files)
	if err != nil {
		return err
	}
	read, err := reader.Files(files)
	if err != nil {
		return &Error{Code: ExitPolicy, Text: err.Error(), Err: err}
	}
	conf, err := a.config()
	if err != nil {
		return err
	}
	bench := proof.Bench{Sources: read.Sources, Options: read.Under(withTeams(policyOptions("", registry), conf)), Registry: registry}
	snapshot, problems := policy.Compile(bench.Sources, bench.Options)
	report, code := checkReport{Valid: snapshot != nil, Problems: problems}, ExitPolicy
	if snapshot != nil {
		report.Digest, report.Rules = snapshot.Digest(), len(snapshot.Rules())
		var failed []policy.Problem
		if report.Tests, failed, err = bench.Prove(context.Background(), snapshot); err != nil {
			return failure(err, "")
		}
		found := bench.Check(snapshot)
		if report.Valid = !policy.Failed(found) && len(failed) == 0; !policy.Failed(found) {
			code = ExitPolicyTests
		}
		report.Problems = slices.Concat(report.Problems, found, failed)
	}
	if err := a.printCheck(report); err != nil {
		return err
	}
	if !report.Valid {
		return status(code)
	}
	return nil
}

func (a *app) printCheck(r checkReport) error {
	if a.json {
		if r.Problems == nil {
			r.Problems = []policy.Problem{}
		}
		return json.NewEncoder(a.Out).Encode(r)
	}
	for _, p := range r.Problems {
		fmt.Fprintln(a.Out, term.Escape(p.String()))
	}
	if !r.Valid {
		fmt.Fprintf(a.Out, "invalid: %d problems\n", len(r.Problems))
		return nil
	}
	tests := ""
	if r.Tests > 0 {
		tests = fmt.Sprintf(", %d tests passed", r.Tests)
	}
	_, err := fmt.Fprintf(a.Out, "ok: %d rules%s, %s\n", r.Rules, tests, r.Digest)
	return err
}
