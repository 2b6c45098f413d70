package cli

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/proof"
	"github.com/custos-zt/custos/internal/term"
)

func (a *app) policyAddCommand() *cobra.Command {
	var files []string
	var from string
	cmd := &cobra.Command{
		Use:   "add --from DECISION [--policy FILE…]",
		Short: "Show the rule that would allow a recorded call, as a diff",
		Long: `Write the rule that would allow a call that was denied, as a diff of the policy on
standard output. Nothing is changed. The rule is as narrow as the record can say:
this tool, this person, arguments of these names. Records hold no values of
arguments, so what the rule may ask of them is for you to add; what the record
and the policy leave open is said on standard error.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if from == "" {
				return usage("no decision was named", "custos policy add --from d_… --policy FILE")
			}
			return a.addFrom(from, files)
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "`id` of a recorded decision")
	cmd.Flags().StringArrayVar(&files, "policy", nil, "policy `file`, may be repeated (default: those of the configuration)")
	return cmd
}

func (a *app) addFrom(id string, files []string) error {
	rec, err := a.find(id)
	if err != nil {
		return err
	}
	if rec.Kind != audit.KindAdmission {
		return &Error{Code: ExitFailure, Text: fmt.Sprintf("%s is a %s, not a decision", id, rec.Kind)}
	}
	if len(files) == 0 {
		conf, err := a.config()
		if err != nil {
			return err
		}
		if files, err = configured(conf); err != nil {
			return err
		}
	}
	if len(files) == 0 {
		return usage("no policy was given and none is configured", "custos policy add --from "+id+" --policy FILE")
	}
	b, err := a.bench(files)
	if err != nil {
		return err
	}
	added, problems, err := b.Add(recorded(&rec))
	a.printProblems(problems)
	switch {
	case err != nil:
		return &Error{Code: ExitFailure, Text: err.Error(), Hint: "custos why " + id}
	case added == nil:
		return invalidPolicy()
	case a.json:
		return json.NewEncoder(a.Out).Encode(added)
	}
	for _, n := range added.Notes {
		a.say("note: %s", term.Escape(n))
	}
	_, err = fmt.Fprint(a.Out, added.Diff)
	return err
}

// recorded takes from a record what it says about the call.
func recorded(rec *audit.Record) proof.Recorded {
	r := proof.Recorded{
		ID: rec.ID(), Backend: rec.Backend, Subject: rec.Subject, Decision: rec.Decision, Reason: rec.Reason, Rule: rec.Rule,
		Position: rec.Position, PolicyDigest: rec.PolicyDigest, Whole: true,
	}
	switch {
	case rec.Tool != "":
		r.Kind, r.Name = access.Tool, rec.Tool
	case rec.URI != "":
		r.Kind, r.Name = access.Resource, rec.URI
	case rec.Prompt != "":
		r.Kind, r.Name = access.Prompt, rec.Prompt
	default:
		r.Kind, r.Name = access.Method, rec.Method
	}
	if rec.Args != nil {
		r.Args, r.Types = rec.Args.Names, rec.Args.Types
		r.Whole = rec.Args.Count == len(rec.Args.Names)
	}
	return r
}
