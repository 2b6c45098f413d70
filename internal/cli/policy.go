package cli

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/internal/inventory"
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
		a.policyHistoryCommand(), a.policyShowCommand())
	cmd.AddCommand(a.policyTestCommand(), a.policyLintCommand(), a.policyWhoCanCommand(), a.policyCanCommand(), a.policyDiffCommand(), a.policyGraphCommand(), a.policyAddCommand())
	return cmd
}

// checkReport is `policy check --json`.
type checkReport struct {
	Valid    bool             `json:"valid"`
	Digest   string           `json:"policy_digest,omitempty"`
	Rules    int              `json:"rules"`
	Problems []policy.Problem `json:"problems"`
}

func (a *app) policyCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE…",
		Short: "Report every problem of policy files (exit 3 where there is an error)",
		Long:  `Read policy files as one policy and report every problem with its place. "-" is standard input.`,
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
	read, err := reader.read(files)
	if err != nil {
		return &Error{Code: ExitPolicy, Text: err.Error(), Err: err}
	}
	conf, err := a.config()
	if err != nil {
		return err
	}
	snapshot, problems := policy.Compile(read.sources, read.under(withTeams(policyOptions("", registry), conf)))
	report := checkReport{Valid: snapshot != nil, Problems: problems}
	if snapshot != nil {
		report.Digest, report.Rules = snapshot.Digest(), len(snapshot.Rules())
	}
	if err := a.printCheck(report); err != nil {
		return err
	}
	if snapshot == nil {
		return status(ExitPolicy)
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
	_, err := fmt.Fprintf(a.Out, "ok: %d rules, %s\n", r.Rules, r.Digest)
	return err
}
