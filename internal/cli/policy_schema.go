package cli

import (
	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/policy"
)

func (a *app) policySchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the language, for editors",
		Long: `Print the JSON Schema of policies as this version evaluates them. An editor that
is told about it completes keys and marks slips as they are typed:

  custos policy schema > custos-policy.schema.json
  # yaml-language-server: $schema=custos-policy.schema.json   (first line of a policy)`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := a.Out.Write(policy.Schema())
			return err
		},
	}
}
