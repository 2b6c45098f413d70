package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/internal/inventory"
	"github.com/custos-zt/custos/internal/proof"
	"github.com/custos-zt/custos/internal/sources"
	"github.com/custos-zt/custos/internal/state"
	"github.com/custos-zt/custos/internal/term"
	"github.com/custos-zt/custos/policy"
)

// rollbackFlags are the flags of `policy rollback`.
type rollbackFlags struct {
	to, name string
	steps    int
	dryRun   bool
}

func (a *app) policyRollbackCommand() *cobra.Command {
	var f rollbackFlags
	cmd := &cobra.Command{
		Use:   "rollback [DIGEST] [--steps N] [--name NAME]",
		Short: "Put an earlier policy back into its files",
		Long: `Put the files of a policy back as they were when it was in force: by digest, or
so many changes ago. Guards that watch the files read them within a second, and
record it like any other change.

What the earlier policy newly allows and denies is shown first. A comparison
tries requests and proves nothing, so that every rollback may allow what is denied
now: a person confirms it at the terminal, and without one nothing is changed.
Signed bundles come back with their signature, which is checked as of today; an
older revision is accepted again only for this one bundle, until a newer one is
in force.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) > 1, len(args) == 1 && cmd.Flags().Changed("steps"):
				return usage("one policy is gone back to: a digest, or a number of steps", "custos policy rollback DIGEST")
			case f.steps < 1:
				return usage("--steps is at least 1", "")
			case len(args) == 1:
				f.to = args[0]
			}
			return a.rollback(cmd.Context(), f)
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&f.steps, "steps", 1, "`number` of changes to go back")
	flags.StringVar(&f.name, "name", "", "only the server of this `name`")
	flags.BoolVar(&f.dryRun, "dry-run", false, "show what would change, and change nothing")
	return cmd
}

// rollback is one policy that is to be replaced by an earlier one.
type rollback struct {
	dir      *state.Dir
	reader   *sources.Reader
	registry *inventory.Registry
	options  policy.Options
	from, to *sources.Files
	// backend is the server that the policies were in force for.
	backend string
}

// rolledBack is `policy rollback --json`.
type rolledBack struct {
	From       string            `json:"from"`
	To         string            `json:"to"`
	Files      []string          `json:"files"` // those that were written
	DryRun     bool              `json:"dry_run,omitempty"`
	Comparison *proof.Comparison `json:"comparison"`
}

func (a *app) rollback(ctx context.Context, f rollbackFlags) error {
	r, err := a.planRollback(f)
	if err != nil {
		return err
	}
	out := rolledBack{From: r.from.Digest(), To: r.to.Digest(), Files: []string{}, DryRun: f.dryRun}
	if out.Comparison, err = a.compareRollback(ctx, r); err != nil {
		return err
	}
	if !a.json {
		a.printComparison(out.Comparison)
	}
	changed, err := r.changes()
	if err != nil {
		return failure(err, "")
	}
	if !f.dryRun && len(changed) > 0 {
		word := out.To[len("sha256:"):][:6]
		if err := a.confirm(fmt.Sprintf("Put %s back? Type %s to confirm: ", short(out.To), word), word); err != nil {
			return err
		}
		if err := a.putBack(r, changed); err != nil {
			return failure(err, "")
		}
		for _, i := range changed {
			out.Files = append(out.Files, r.to.Names[i])
		}
	}
	if a.json {
		return json.NewEncoder(a.Out).Encode(out)
	}
	a.printRolledBack(&out, len(changed) == 0)
	return nil
}

func (a *app) printRolledBack(out *rolledBack, nothing bool) {
	switch {
	case nothing:
		fmt.Fprintf(a.Out, "the files hold %s already\n", out.To)
	case out.DryRun:
		fmt.Fprintf(a.Out, "would go back from %s to %s\n", out.From, out.To)
	default:
		fmt.Fprintf(a.Out, "rolled back from %s to %s\n", out.From, out.To)
		for _, name := range out.Files {
			fmt.Fprintf(a.Out, "  wrote %s\n", term.Escape(name))
		}
	}
}

// planRollback finds both policies and reads them as they were.
func (a *app) planRollback(f rollbackFlags) (*rollback, error) {
	all, err := a.activations(f.name)
	if err != nil {
		return nil, err
	}
	conf, err := a.config()
	if err != nil {
		return nil, err
	}
	r := &rollback{}
	if r.registry, err = inventory.LoadRegistry(); err != nil {
		return nil, failure(err, "")
	}
	if r.reader, err = a.sourceReader(conf); err != nil {
		return nil, err
	}
	path, err := a.statePath(conf)
	if err != nil {
		return nil, err
	}
	if r.dir, err = state.OpenExisting(path); err != nil {
		return nil, failure(err, "")
	}
	from, to, err := r.between(all, f)
	if err != nil {
		return nil, err
	}
	if r.from, err = r.reader.Recall(r.dir, from, nil); err != nil {
		return nil, recalled(err, from)
	}
	r.reader.Signed = len(r.reader.Keys) > 0
	here := func(files []state.PolicyFile) bool { return samePaths(r.from.Names, files) }
	if r.to, err = r.reader.Recall(r.dir, to, here); err != nil {
		return nil, recalled(err, to)
	}
	if !slices.Equal(r.from.Names, r.to.Names) {
		return nil, &Error{
			Code: ExitFailure, Text: fmt.Sprintf("the policy in force is read from %q, and %s was read from %q", r.from.Names, short(to), r.to.Names),
			Hint: "name the same files in policy.files again, then write them: custos policy show DIGEST",
		}
	}
	r.options = withTeams(policyOptions(r.backend, r.registry), conf)
	r.options.Claim = claims(conf)
	return r, nil
}

// between chooses the policy in force and the one to go back to. Guards of one
// name with other files have a history of their own.
func (r *rollback) between(all []activation, f rollbackFlags) (from, to string, err error) {
	if len(all) == 0 {
		return "", "", &Error{Code: ExitFailure, Text: "no policy was in force yet", Hint: "custos policy history"}
	}
	last := all[len(all)-1]
	r.backend = last.Backend
	if f.to != "" {
		to, err = chooseActivation(all, f.to)
		return last.Digest, to, err
	}
	at, steps := last.Digest, f.steps
	for _, x := range slices.Backward(all) {
		if x.Backend != last.Backend || x.Digest == at || !r.sameFiles(x.Digest, last.Digest) {
			continue
		}
		if at, steps = x.Digest, steps-1; steps == 0 {
			return last.Digest, at, nil
		}
	}
	return "", "", &Error{
		Code: ExitFailure, Text: fmt.Sprintf("the policy of %s was not changed %d times", last.Backend, f.steps), Hint: "custos policy history",
	}
}

// sameFiles reports whether a policy was ever read from where another one was
// read last.
func (r *rollback) sameFiles(one, other string) bool {
	places, err := r.dir.PolicyFiles(one)
	here, errHere := r.dir.PolicyFiles(other)
	if errors.Join(err, errHere) != nil || len(here) == 0 {
		return false
	}
	return slices.ContainsFunc(places, func(p []state.PolicyFile) bool {
		return slices.EqualFunc(p, here[len(here)-1], func(a, b state.PolicyFile) bool { return a.Path == b.Path })
	})
}

// compareRollback makes sure that the earlier policy can be put in force, and
// says what it changes.
func (a *app) compareRollback(ctx context.Context, r *rollback) (*proof.Comparison, error) {
	bench := func(f *sources.Files) *proof.Bench {
		return &proof.Bench{Sources: f.Sources, Options: f.Under(r.options), Registry: r.registry}
	}
	to := bench(r.to)
	p, err := a.compile(to.Sources, to.Options)
	if err != nil {
		return nil, err
	}
	if _, err := a.provePolicy(ctx, to, p.snapshot); err != nil {
		return nil, err
	}
	c, problems := proof.Compare(bench(r.from), to)
	if c == nil {
		a.printProblems(problems)
		return nil, invalidPolicy()
	}
	return c, nil
}
