package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/internal/importer"
	"github.com/custos-zt/custos/internal/inventory"
	"github.com/custos-zt/custos/internal/term"
	"github.com/custos-zt/custos/policy"
)

// importFlags are the flags of `policy import`.
type importFlags struct {
	from string
	importer.Options
}

func (a *app) policyImportCommand() *cobra.Command {
	var f importFlags
	systems := make([]string, 0, len(importer.Dialects()))
	for _, d := range importer.Dialects() {
		systems = append(systems, string(d))
	}
	cmd := &cobra.Command{
		Use:   "import --from " + strings.Join(systems, "|") + " FILE",
		Short: "Turn a policy of another system into a native one",
		Long: `Read a policy of zero-trust-mcp (YAML, JSON), mcp-acp (JSON), airs (TOML) or
371OS (YAML) and write a native policy to standard output. Every place where the
result means something else than the original is reported on standard error with
its line there. "-" is standard input. Exit 3 where the original is not valid.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) != 1:
				return usage("one file is imported at a time", "custos policy import --from "+strings.Join(systems, "|")+" FILE")
			case !slices.Contains(systems, f.from):
				return usage(fmt.Sprintf("--from is one of %s", strings.Join(systems, ", ")), "")
			}
			return a.importPolicy(f, args[0])
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.from, "from", "", "the `system` that the policy is of")
	flags.StringVar(&f.Backend, "backend", importer.DefaultBackend, "`name` of the server whose tools the policy is about")
	flags.StringVar(&f.Known, "known", "", "registry `entry` of that server: what its tools do")
	flags.StringVar(&f.Root, "root", "", "371os: `directory` below which resources stand (default /)")
	flags.StringVar(&f.Zone, "zone", "", "371os: time `zone` of times of day (default UTC)")
	return cmd
}

// imported is `policy import --json`.
type imported struct {
	Policy string          `json:"policy"`
	Rules  int             `json:"rules"`
	Report []importer.Note `json:"report"`
}

func (a *app) importPolicy(f importFlags, file string) error {
	registry, err := inventory.LoadRegistry()
	if err != nil {
		return failure(err, "")
	}
	if err := checkImport(f, registry); err != nil {
		return err
	}
	data, err := a.read(file)
	if err != nil {
		return &Error{Code: ExitPolicy, Text: err.Error()}
	}
	result := importer.Import(importer.Dialect(f.from), file, data, f.Options)
	if a.json {
		out := imported{Policy: string(result.Policy), Rules: result.Rules, Report: result.Notes}
		if out.Report == nil {
			out.Report = []importer.Note{}
		}
		if err := json.NewEncoder(a.Out).Encode(out); err != nil {
			return failure(err, "")
		}
	} else if err := a.printImport(result); err != nil {
		return failure(err, "")
	}
	if result.Policy == nil {
		return status(ExitPolicy)
	}
	return a.checkImported(file, result, registry)
}

// checkImport refuses options that no policy could be written with.
func checkImport(f importFlags, registry *inventory.Registry) error {
	switch {
	case !importer.ValidBackend(f.Backend):
		return usage(fmt.Sprintf("%q is no name for a backend", f.Backend), "a name has 1 to 32 of a-z, 0-9 and -")
	case f.Known != "" && !registry.Known(f.Known):
		return usage(fmt.Sprintf("the registry has no entry %q", f.Known), "")
	case f.Root != "" && !importer.ValidRoot(f.Root):
		return usage(fmt.Sprintf("--root %q is no plain absolute directory", f.Root), "")
	}
	return nil
}

// printImport writes the policy to standard output and the report to standard
// error.
func (a *app) printImport(result importer.Result) error {
	counts := map[importer.Kind]int{}
	for _, n := range result.Notes {
		counts[n.Kind]++
		if n.Kind == importer.Refused || !a.quiet {
			fmt.Fprintln(a.Err, term.Escape(n.String()))
		}
	}
	if result.Policy == nil {
		return nil
	}
	if _, err := a.Out.Write(result.Policy); err != nil {
		return err
	}
	a.say("rules: %d, places where they are stricter: %d, wider: %d", result.Rules, counts[importer.Stricter], counts[importer.Wider])
	return nil
}

// checkImported compiles what was written. It loads wherever this version
// evaluates all of the language that the import uses.
func (a *app) checkImported(file string, result importer.Result, registry *inventory.Registry) error {
	o := policyOptions("", registry)
	if o.Home == "" {
		o.Home = "/"
	}
	_, problems := policy.Compile([]policy.Source{{Name: "imported", Data: result.Policy}}, o)
	if !policy.Failed(problems) {
		return nil
	}
	for _, p := range problems {
		if p.Severity == policy.Error {
			fmt.Fprintln(a.Err, term.Escape(p.String()))
		}
	}
	return &Error{Code: ExitPolicy, Text: "the policy made of " + file + " does not load"}
}
