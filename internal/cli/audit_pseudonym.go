package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/query"
	"github.com/custos-zt/custos/internal/redact"
	"github.com/custos-zt/custos/internal/state"
)

func (a *app) auditPseudonymCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "pseudonym ISSUER:SUBJECT…",
		Short: "Print what stands for a subject in records",
		Long: `Print what stands for a subject in the records of this state directory, where
audit.pseudonyms is on. It is a keyed digest: nobody without the key finds the
subject by trying, and nobody at all computes it back.

  custos audit pseudonym os:alice
  custos audit query --subject "$(custos audit pseudonym os:alice)"`,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("no subject was given", "custos audit pseudonym os:alice")
			}
			return a.pseudonyms(args)
		},
	}
}

func (a *app) pseudonyms(subjects []string) error {
	keyed, err := a.keyed()
	if err != nil {
		return err
	}
	type pair struct {
		ID      string `json:"id"`
		Subject string `json:"subject"`
	}
	list := []pair{}
	for _, s := range subjects {
		if issuer, id, ok := strings.Cut(s, ":"); !ok || issuer == "" || id == "" {
			return usage(fmt.Sprintf("%q is no subject", s), "a subject has an issuer: os:alice")
		}
		list = append(list, pair{redact.Pseudonym(s, keyed), s})
	}
	if a.json {
		return json.NewEncoder(a.Out).Encode(list)
	}
	for _, p := range list {
		fmt.Fprintln(a.Out, p.ID)
	}
	return nil
}

// keyed returns the keyed digest of the state directory.
func (a *app) keyed() (audit.Keyed, error) {
	conf, err := a.config()
	if err != nil {
		return nil, err
	}
	path, err := a.statePath(conf)
	if err != nil {
		return nil, err
	}
	keyed, err := state.Keyed(path)
	if err != nil {
		return nil, failure(err, "the key is made at the first run; name the directory: --state DIR")
	}
	return keyed, nil
}

func (a *app) auditSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of a record",
		Long: `Print the JSON Schema of a record as custos audit export and show --json write
it. A reader ignores fields and kinds that it does not know: later versions have
more of them.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := a.Out.Write(audit.Schema())
			return err
		},
	}
}

// alsoPseudonyms lets a query for a subject find records that name it by its
// pseudonym, whatever the configuration says today.
func (a *app) alsoPseudonyms(f *query.Filter) error {
	if len(f.Subject)+len(f.Approver) == 0 {
		return nil
	}
	keyed, err := a.keyed()
	if err != nil {
		return err
	}
	for _, list := range [...]*[]string{&f.Subject, &f.Approver} {
		for _, s := range slices.Clone(*list) {
			// A pseudonym has no issuer, and reads like a user of this machine.
			if _, bare, ok := strings.Cut(s, ":"); ok && redact.IsPseudonym(bare) {
				*list = append(*list, bare)
			} else {
				*list = append(*list, redact.Pseudonym(s, keyed))
			}
		}
	}
	return nil
}
