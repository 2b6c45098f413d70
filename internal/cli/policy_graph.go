package cli

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) policyGraphCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "graph FILE…",
		Short: "Draw a policy: who, by which rule, reaches what",
		Long: `Draw a policy in three columns: callers, rules, and what the rules are about. The
picture is written to standard output as svg, dot (Graphviz) or mermaid; none of
them needs another program to be made.`,
		RunE: func(_ *cobra.Command, files []string) error {
			if len(files) == 0 {
				return usage("no policy file was given", "custos policy graph FILE… > policy.svg")
			}
			if format != "svg" && format != "dot" && format != "mermaid" {
				return usage("--format is svg, dot or mermaid", "")
			}
			b, err := a.bench(files)
			if err != nil {
				return err
			}
			g, problems := b.Graph()
			a.printProblems(problems)
			if g == nil {
				return invalidPolicy()
			}
			if a.json {
				return json.NewEncoder(a.Out).Encode(g)
			}
			text := map[string]func() string{"svg": g.SVG, "dot": g.DOT, "mermaid": g.Mermaid}[format]()
			if _, err := fmt.Fprint(a.Out, text); err != nil {
				return failure(err, "")
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", "svg", "`format` of the picture: svg, dot, mermaid")
	return cmd
}
