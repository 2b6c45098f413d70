package policy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/pdp"
)

// Engine decides requests. [Native] is the engine of this package's language;
// the modules under adapter/ put OPA, Cedar and Casbin behind the same method.
//
// The key words are those of RFC 2119. An engine:
//
//   - MUST answer [access.Allow] or [access.Approve] only where its policy says
//     so for certain. Whatever is undefined, unknown, mistyped or reported by a
//     diagnostic MUST be a deny: with [access.DefaultDenied] where no rule
//     speaks about the request, with [access.Indeterminate] where one does and
//     could not be evaluated.
//   - MUST return an error only for a malfunction, and a deny with it. A denial
//     is a value, not an error.
//   - MUST be safe for concurrent use, MUST NOT change or keep the request, and
//     MUST NOT do I/O while it decides.
//   - MUST answer with an error where ctx has ended, and SHOULD stop then.
//   - MUST answer a request with ArgsUnknown by whether it could be granted,
//     and with a deny that is [access.Indeterminate] if it cannot tell.
//   - MUST NOT put what a caller sent into a message or an error.
//
// Package enginetest checks all of this. Callers do not ask an engine directly
// but through [Combine], which denies where an engine breaks these rules.
type Engine interface {
	Decide(ctx context.Context, r *access.Request) (access.Decision, error)
}

// Mode says which engines decide.
type Mode string

// The modes. In ModeBoth the most restrictive answer wins; what one engine has
// no rule for is denied, whatever the other says.
const (
	ModeNative       Mode = "native"
	ModeBoth         Mode = "both"
	ModeExternalOnly Mode = "external-only"
)

// Native returns the engine over a compiled policy.
func Native(s *pdp.Snapshot) Engine { return native{s} }

type native struct{ snapshot *pdp.Snapshot }

func (n native) Decide(ctx context.Context, r *access.Request) (access.Decision, error) {
	var d access.Decision
	if err := ctx.Err(); err != nil {
		d.Refuse(access.Internal, notDecided)
		return d, err //nolint:wrapcheck // the caller ended its own context
	}
	n.snapshot.Decide(r, &d)
	switch {
	case !r.ArgsUnknown:
	case n.snapshot.Visible(r):
		d.Effect, d.Reason = access.Allow, access.RuleAllowed
	case d.Effect != access.Deny:
		d.Refuse(access.DefaultDenied, "")
	}
	return d, nil
}

// Combine returns the engine of a mode. The engine that the mode does not use
// may be nil. The result never returns [access.None], and a deny wherever it
// returns an error.
//
// Hard gates and refused paths deny in every mode: no engine lifts them. What
// passes unless a deny matches ([access.Request.Passes]) passes an engine that
// has no rule for it. Where arguments are unknown, an external engine that
// cannot tell leaves the answer to the native policy in ModeBoth and hides the
// item in ModeExternalOnly.
func Combine(mode Mode, nativeEngine, external Engine) (Engine, error) {
	switch {
	case mode == ModeNative && nativeEngine != nil:
		return guarded{nativeEngine}, nil
	case mode == ModeExternalOnly && external != nil:
		return guarded{external}, nil
	case mode == ModeBoth && nativeEngine != nil && external != nil:
		return both{guarded{nativeEngine}, guarded{external}}, nil
	case mode == ModeNative, mode == ModeBoth, mode == ModeExternalOnly:
		return nil, fmt.Errorf("policy: the mode %q needs an engine that is not there", string(mode))
	default:
		return nil, fmt.Errorf("policy: %q is not a mode: use native, both or external-only", string(mode))
	}
}

const notDecided = "The policy engine did not decide the call."

// guarded denies where an engine does not keep its contract.
type guarded struct{ engine Engine }

func (g guarded) Decide(ctx context.Context, r *access.Request) (d access.Decision, err error) {
	if stopped(r, &d) {
		return d, nil
	}
	defer func() {
		// Engines evaluate what authors wrote over what callers sent: one that
		// panics has not decided. What it says may hold arguments.
		if recover() != nil {
			err = errors.New("policy: the engine panicked")
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			d.Refuse(access.Internal, notDecided)
		}
	}()
	if err := ctx.Err(); err != nil {
		return d, err //nolint:wrapcheck // the caller ended its own context
	}
	if d, err = g.engine.Decide(ctx, r); err != nil {
		return d, err //nolint:wrapcheck // the engine names itself
	}
	return settled(r, d)
}

// stopped answers what is refused before any engine is asked.
func stopped(r *access.Request, d *access.Decision) bool {
	if len(r.Gates) > 0 {
		d.Refuse(r.Gates[0].Reason, access.Meaning(r.Gates[0].Reason))
		return true
	}
	for i := range r.Places {
		if r.Places[i].Refused {
			d.Refuse(access.RequestMalformed, "A path of this call contains control characters.")
			return true
		}
	}
	return false
}

// settled gives the answers that are none their meaning.
func settled(r *access.Request, d access.Decision) (access.Decision, error) {
	switch d.Effect {
	case access.Allow, access.Approve:
	case access.None:
		d.Refuse(access.DefaultDenied, "")
	case access.Deny:
		if d.Reason == "" {
			d.Reason = access.RuleDenied
		}
	default:
		return d, fmt.Errorf("policy: the engine answered with the unknown effect %d", d.Effect)
	}
	if r.Passes && d.Effect == access.Deny && d.Reason == access.DefaultDenied {
		d.Effect, d.Reason, d.Message, d.Remediation = access.Allow, access.DiscoveryPassed, "", ""
	}
	return d, nil
}

// both asks both engines, always: the same call leaves the same evidence.
type both struct{ native, external guarded }

func (b both) Decide(ctx context.Context, r *access.Request) (access.Decision, error) {
	n, errNative := b.native.Decide(ctx, r)
	x, errExternal := b.external.Decide(ctx, r)
	err := errors.Join(errNative, errExternal)
	if r.ArgsUnknown && err == nil && x.Effect == access.Deny && x.Reason == access.Indeterminate {
		return n, nil
	}
	d := n
	if x.Effect > n.Effect || x.Effect == n.Effect && n.Rule == "" && x.Rule != "" {
		d = x
	}
	d.Hidden = n.Hidden || x.Hidden
	d.Matched = append(append([]access.Match(nil), n.Matched...), x.Matched...)
	d.PolicyDigest = jointDigest(n.PolicyDigest, x.PolicyDigest)
	return d, err
}

// jointDigest identifies two policies that decide together.
func jointDigest(a, b string) string {
	sum := sha256.Sum256([]byte("custos both\n" + a + "\n" + b + "\n"))
	return "sha256:" + hex.EncodeToString(sum[:])
}
