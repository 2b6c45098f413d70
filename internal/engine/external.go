package engine

import (
	"context"
	"fmt"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/pa"
	"github.com/custos-zt/custos/internal/pdp"
	"github.com/custos-zt/custos/policy"
)

// External is another policy engine, beside the native policy or in its place.
type External struct {
	Engine policy.Engine
	Mode   policy.Mode
	// Sources are what the engine decides by. They are kept with the native
	// policy under one digest, which records name.
	Sources []policy.Source
}

// check reports a mode that needs what is not there.
func (x *External) check() error {
	if x == nil {
		return nil
	}
	if len(x.Sources) == 0 && x.Mode != policy.ModeNative {
		return fmt.Errorf("engine: an external engine comes with the texts that it decides by: evidence must be able to show them")
	}
	_, err := policy.Combine(x.Mode, policy.Native(nil), x.Engine)
	return err //nolint:wrapcheck // it names itself
}

// decides reports whether the engine has a say.
func (x *External) decides() bool { return x != nil && x.Mode != policy.ModeNative }

// all are the texts that a policy in force consists of.
func (x *External) all(sources []policy.Source) []policy.Source {
	if !x.decides() {
		return sources
	}
	return append(append([]policy.Source{}, sources...), x.Sources...)
}

// digest identifies a policy in force.
func (x *External) digest(s *pdp.Snapshot, sources []policy.Source) string {
	if !x.decides() {
		return s.Digest()
	}
	kept := policy.Kept(x.all(sources))
	return kept[len(kept)-1].Digest
}

// over returns what decides by a snapshot, nil where it does so itself.
func (e *Engine) over(s *pdp.Snapshot) pa.Engine {
	if !e.external.decides() {
		return nil
	}
	combined, err := policy.Combine(e.external.Mode, policy.Native(s), e.external.Engine)
	if err != nil {
		return broken{err} // check was not asked
	}
	return named{combined, e.digest}
}

// named gives decisions the digest under which the whole policy is kept: those
// of the engines alone are found nowhere.
type named struct {
	policy.Engine
	digest string
}

func (n named) Decide(ctx context.Context, r *access.Request) (access.Decision, error) {
	d, err := n.Engine.Decide(ctx, r)
	d.PolicyDigest = n.digest
	return d, err //nolint:wrapcheck // the engine names itself
}

// broken denies everything.
type broken struct{ err error }

func (b broken) Decide(context.Context, *access.Request) (access.Decision, error) {
	var d access.Decision
	d.Refuse(access.Internal, "")
	return d, b.err
}
