package cli

import (
	"context"
	"fmt"

	"github.com/custos-zt/custos/internal/inventory"
	"github.com/custos-zt/custos/internal/pdp"
	"github.com/custos-zt/custos/internal/proof"
	"github.com/custos-zt/custos/internal/sources"
)

// bench is what the tests of a policy are run against, once its files are read.
func (p *loadedPolicy) bench(read *sources.Files, registry *inventory.Registry) *proof.Bench {
	return &proof.Bench{Sources: read.Sources, Options: read.Under(p.options), Registry: registry}
}

// provePolicy runs the tests that policy files hold themselves and returns how many
// there were. Where one fails it prints all that do, and the policy is not to be
// put in force.
func (a *app) provePolicy(ctx context.Context, b *proof.Bench, s *pdp.Snapshot) (int, error) {
	cases, failed, err := b.Prove(ctx, s)
	if err != nil {
		return cases, failure(err, "")
	}
	if len(failed) == 0 {
		return cases, nil
	}
	a.printProblems(failed)
	first := failed[0]
	return cases, &Error{
		Code: ExitPolicyTests, Text: fmt.Sprintf("%d tests of the policy's own fail, the first at %s:%d", len(failed), first.File, first.Line),
		Hint: "custos policy test " + first.File,
	}
}
