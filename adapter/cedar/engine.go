package cedar

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	cedar "github.com/cedar-policy/cedar-go"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/policy"
)

// Engine decides by a set of Cedar policies. It is safe for concurrent use.
type Engine struct {
	rules  map[cedar.PolicyID]*rule
	index  index
	digest string
}

var _ policy.Engine = (*Engine)(nil)

// rule is one policy and what its annotations say.
type rule struct {
	id                   cedar.PolicyID
	position             string
	policy               *cedar.Policy
	outcome              access.Effect
	message, remediation string
}

// New compiles the files of one policy set. Ids must be distinct across files.
func New(sources ...policy.Source) (*Engine, error) {
	e := &Engine{rules: map[cedar.PolicyID]*rule{}}
	sum := sha256.New()
	for _, s := range sources {
		list, err := cedar.NewPolicyListFromBytes(s.Name, s.Data)
		if err != nil {
			return nil, fmt.Errorf("cedar: %s: %w", s.Name, err)
		}
		for _, p := range list {
			if err := e.add(p); err != nil {
				return nil, err
			}
		}
		fmt.Fprintf(sum, "%d %s\n%d\n", len(s.Name), s.Name, len(s.Data))
		sum.Write(s.Data)
	}
	if len(e.rules) == 0 {
		return nil, errors.New("cedar: there is no policy")
	}
	e.digest = "sha256:" + hex.EncodeToString(sum.Sum(nil))
	return e, nil
}

func (e *Engine) add(p *cedar.Policy) error {
	at := p.Position()
	r := &rule{position: fmt.Sprintf("%s:%d", at.Filename, at.Line), outcome: access.Deny}
	r.id = cedar.PolicyID(fmt.Sprintf("policy%d", len(e.rules)))
	if p.Effect() == cedar.Permit {
		r.outcome = access.Allow
	}
	for name, value := range p.Annotations() {
		if err := r.annotate(string(name), string(value)); err != nil {
			return err
		}
	}
	if first, dup := e.rules[r.id]; dup {
		return fmt.Errorf("cedar: %s: the id %q stands at %s already", r.position, r.id, first.position)
	}
	typed, scope, err := guarded(p)
	if err != nil {
		return fmt.Errorf("cedar: %s: %w", r.position, err)
	}
	r.policy = typed
	e.rules[r.id] = r
	e.index.add(scope, r)
	return nil
}

func (r *rule) annotate(name, value string) error {
	switch name {
	case "id":
		r.id = cedar.PolicyID(value)
	case "message":
		r.message = value
	case "remediation":
		r.remediation = value
	case "outcome":
		switch {
		case r.outcome == access.Deny && value == "deny":
		case r.outcome != access.Deny && value == "allow":
		case r.outcome != access.Deny && value == "approve":
			r.outcome = access.Approve
		default:
			return fmt.Errorf("cedar: %s: the outcome %q is not allow or approve on a permit, or deny on a forbid", r.position, value)
		}
	default:
		return fmt.Errorf("cedar: %s: the annotation %q is not id, outcome, message or remediation", r.position, name)
	}
	return nil
}

// Decide answers one request: see [policy.Engine].
func (e *Engine) Decide(ctx context.Context, r *access.Request) (access.Decision, error) {
	d := access.Decision{PolicyDigest: e.digest}
	if err := ctx.Err(); err != nil {
		d.Refuse(access.Internal, "")
		return d, fmt.Errorf("cedar: %w", err)
	}
	if !r.Subject.Known {
		d.Refuse(access.IdentityMissing, "Nobody proved who asks.")
		return d, nil
	}
	q, entities := convert(r)
	decision, diagnostic := cedar.Authorize(e.index.candidates(&q, entities), entities, q)
	for _, reason := range diagnostic.Reasons {
		e.matched(&d, reason.PolicyID, access.True)
	}
	if decision == cedar.Deny && len(diagnostic.Reasons) > 0 {
		d.Reason = access.RuleDenied
		return d, nil
	}
	if len(diagnostic.Errors) > 0 {
		d.Refuse(access.Indeterminate, "A policy asks for something that this call does not have or that has another type.")
		for _, failed := range diagnostic.Errors {
			e.matched(&d, failed.PolicyID, access.Unknown)
		}
		return d, nil
	}
	switch d.Effect {
	case access.Allow:
		d.Reason = access.RuleAllowed
	case access.Approve:
		d.Reason = access.ApprovalPending
	default:
		d.Refuse(access.DefaultDenied, "")
	}
	return d, nil
}

// matched notes a policy that determined the answer. The most restrictive one
// is the rule of the decision, of several the first by id: sets have no order.
func (e *Engine) matched(d *access.Decision, id cedar.PolicyID, truth access.Truth) {
	r := e.rules[id]
	d.Matched = append(d.Matched, access.Match{Rule: string(id), Effect: r.outcome, Truth: truth, Position: r.position})
	if r.outcome < d.Effect || r.outcome == d.Effect && d.Rule != "" && string(id) >= d.Rule {
		return
	}
	d.Effect, d.Rule, d.Position = r.outcome, string(id), r.position
	if truth == access.True {
		d.Message, d.Remediation = r.message, r.remediation
	}
}
