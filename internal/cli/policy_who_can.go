package cli

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/internal/proof"
	"github.com/custos-zt/custos/internal/term"
)

func (a *app) policyWhoCanCommand() *cobra.Command {
	var files []string
	cmd := &cobra.Command{
		Use:   "who-can --policy FILE… BACKEND.TOOL",
		Short: "Say which rules could grant a tool, and to whom",
		Long: `Show every rule that could grant a tool and every rule that could restrict it,
each with what it leaves open: who calls, from where, with which arguments.`,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(files) == 0 || len(args) != 1 {
				return usage("one tool and a policy are needed", "custos policy who-can --policy FILE BACKEND.TOOL")
			}
			b, err := a.bench(files)
			if err != nil {
				return err
			}
			reach, problems, err := b.WhoCan(args[0])
			a.printProblems(problems)
			switch {
			case err != nil:
				return usage(err.Error(), "custos policy who-can --policy FILE BACKEND.TOOL")
			case reach == nil:
				return invalidPolicy()
			case a.json:
				return json.NewEncoder(a.Out).Encode(reach)
			}
			a.printReach(reach)
			return nil
		},
	}
	cmd.Flags().StringArrayVar(&files, "policy", nil, "policy `file`, may be repeated")
	return cmd
}

func (a *app) policyCanCommand() *cobra.Command {
	var files, groups, roles []string
	var tenant, agent string
	cmd := &cobra.Command{
		Use:   "can --policy FILE… SUBJECT",
		Short: "Say what somebody could be granted",
		Long: `Show every tool that some rule could grant to SUBJECT, written ISSUER:ID or ID,
with what is left open. Somebody is in the groups and roles that the flags say
and in no others. A pattern stands for the tools that nothing else names.`,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(files) == 0 || len(args) != 1 {
				return usage("one subject and a policy are needed", "custos policy can --policy FILE SUBJECT")
			}
			b, err := a.bench(files)
			if err != nil {
				return err
			}
			caller := proof.Caller{Subject: proof.ParseSubject(args[0]), Agent: agent}
			caller.Subject.Groups, caller.Subject.Roles, caller.Subject.Tenant = groups, roles, tenant
			all, problems := b.Can(caller)
			a.printProblems(problems)
			switch {
			case all == nil:
				return invalidPolicy()
			case a.json:
				return json.NewEncoder(a.Out).Encode(all)
			}
			for i := range all {
				a.printReach(&all[i])
			}
			fmt.Fprintf(a.Out, "tools: %d\n", len(all))
			return nil
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&files, "policy", nil, "policy `file`, may be repeated")
	f.StringArrayVar(&groups, "group", nil, "a `group` of the subject, may be repeated")
	f.StringArrayVar(&roles, "role", nil, "a `role` of the subject, may be repeated")
	f.StringVar(&tenant, "tenant", "", "the `tenant` of the subject")
	f.StringVar(&agent, "agent", "", "the proven `identity` of the agent")
	return cmd
}

// printReach shows a tool, what could grant it and what could restrict it.
func (a *app) printReach(r *proof.Reach) {
	p := a.paint()
	verdict := p.Paint(term.Green, "possible")
	if !r.Possible {
		verdict = p.Paint(term.Red, "never")
	}
	fmt.Fprintf(a.Out, "%s  %s\n", p.Paint(term.Bold, term.Escape(r.ID)), verdict)
	for _, claims := range [][]proof.Claim{r.Grants, r.Restricts} {
		for _, c := range claims {
			fmt.Fprintf(a.Out, "  %-8s %s  %s\n", c.Effect, term.Escape(c.Rule), term.Escape(c.Position))
			for _, open := range c.Open {
				fmt.Fprintf(a.Out, "           %s\n", term.Escape(open))
			}
		}
	}
}

func invalidPolicy() error {
	return &Error{Code: ExitPolicy, Text: "the policy is not valid", Hint: "custos policy check shows every problem"}
}
