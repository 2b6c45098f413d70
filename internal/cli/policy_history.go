package cli

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/term"
)

// activation is one line of `policy history`: a policy that was put in force.
type activation struct {
	ID      string    `json:"id"` // of its record
	Time    time.Time `json:"time"`
	Backend string    `json:"backend"`
	Session string    `json:"session"`
	Digest  string    `json:"policy_digest"`
	// Old is what it replaced; "" where a guard began with it.
	Old string `json:"old_policy_digest,omitempty"`
}

func (a *app) policyHistoryCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "history [--name NAME]",
		Short: "List which policy was in force from when on",
		Long: `List every activation of a policy, as the log recorded it: when, in front of
which server, and which policy it replaced. The text of each is kept:
custos policy show DIGEST.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			all, err := a.activations(name)
			if err != nil {
				return err
			}
			return a.printHistory(all)
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "only the server of this `name`")
	return cmd
}

// activations reads the activations of the log, the oldest first. name "" is
// every server.
func (a *app) activations(name string) ([]activation, error) {
	dir, err := a.logDir()
	if err != nil {
		return nil, err
	}
	all := []activation{}
	keep := func(r *audit.Record) bool { return r.Kind == audit.KindPolicy && (name == "" || r.Backend == name) }
	for r, err := range audit.Read(dir, audit.ReadOptions{Keep: keep}) {
		if err != nil {
			return nil, &Error{Code: ExitCannotVerify, Text: plainError(err), Hint: "custos audit verify", Err: err}
		}
		all = append(all, activation{
			ID: r.ID(), Time: r.Time, Backend: r.Backend, Session: r.Session, Digest: r.PolicyDigest, Old: r.OldPolicyDigest,
		})
	}
	return all, nil
}

func (a *app) printHistory(all []activation) error {
	if a.json {
		return json.NewEncoder(a.Out).Encode(all)
	}
	for _, x := range all {
		change := "started with"
		if x.Old != "" {
			change = "reloaded"
		}
		line := fmt.Sprintf("%s  %-12s  %s  %-12s  %s", x.Time.Local().Format(time.DateTime), x.ID, term.Escape(x.Backend), change, x.Digest)
		if x.Old != "" {
			line += "  (before: " + x.Old + ")"
		}
		fmt.Fprintln(a.Out, line)
	}
	return nil
}
