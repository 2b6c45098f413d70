package cli

import (
	"bytes"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/internal/term"
	"github.com/custos-zt/custos/policy"
)

// fmtFlags are the flags of `policy fmt`.
type fmtFlags struct {
	write, check bool
}

func (a *app) policyFmtCommand() *cobra.Command {
	var f fmtFlags
	cmd := &cobra.Command{
		Use:   "fmt [-w|--check] FILE…",
		Short: "Bring policy files into canonical form",
		Long: `Print YAML policies in canonical form: the order of keys, the indentation of
rules, double quotes. Comments stay, and so does what the policy decides. With
-w the files are rewritten; with --check the files that would change are named,
and exit 3. "-" is standard input.`,
		RunE: func(_ *cobra.Command, files []string) error {
			switch {
			case len(files) == 0:
				return usage("no policy file was given", "custos policy fmt FILE…")
			case f.write && f.check:
				return usage("-w and --check exclude each other", "")
			}
			return a.format(f, files)
		},
	}
	cmd.Flags().BoolVarP(&f.write, "write", "w", false, "rewrite the files")
	cmd.Flags().BoolVar(&f.check, "check", false, "name the files that would change, exit 3")
	return cmd
}

func (a *app) format(f fmtFlags, files []string) error {
	invalid, changed := false, false
	for _, name := range files {
		data, err := a.read(name)
		if err != nil {
			return &Error{Code: ExitPolicy, Text: err.Error()}
		}
		out, problems := policy.Format(policy.Source{Name: name, Data: data})
		for _, p := range problems {
			fmt.Fprintln(a.Err, term.Escape(p.String()))
		}
		if problems != nil {
			invalid = true
			continue
		}
		same := bytes.Equal(data, out)
		changed = changed || !same
		switch {
		case f.check && !same:
			fmt.Fprintln(a.Out, term.Escape(name))
		case f.write && name != "-" && !same:
			if err := replaceFile(name, out); err != nil {
				return failure(err, "")
			}
		case !f.write && !f.check, f.write && name == "-":
			if _, err := a.Out.Write(out); err != nil {
				return failure(err, "")
			}
		}
	}
	if invalid || f.check && changed {
		return status(ExitPolicy)
	}
	return nil
}
