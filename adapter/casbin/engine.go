package casbin

import (
	"context"
	"errors"
	"fmt"

	casbin "github.com/casbin/casbin/v3"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/policy"
)

// Model is the model that policies are written for.
const Model = `
[request_definition]
r = sub, obj, act, ctx

[policy_definition]
p = id, sub, obj, cond, eft

[role_definition]
g = _, _

[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))

[matchers]
m = covers(p.obj, r.obj) && (p.sub == '*' || role(r.ctx, p.sub) || g(r.sub, p.sub)) && eval(p.cond)
`

// Engine decides by a Casbin enforcer. It is safe for concurrent use.
type Engine struct {
	enforcer *casbin.Enforcer
	rows     map[string]row // by id
	digest   string
}

var _ policy.Engine = (*Engine)(nil)

// Decide answers one request: see [policy.Engine].
func (e *Engine) Decide(ctx context.Context, r *access.Request) (access.Decision, error) {
	d := access.Decision{PolicyDigest: e.digest}
	if err := ctx.Err(); err != nil {
		d.Refuse(access.Internal, "")
		return d, fmt.Errorf("casbin: %w", err)
	}
	if !r.Subject.Known {
		d.Refuse(access.IdentityMissing, "Nobody proved who asks.")
		return d, nil
	}
	allowed, explained, err := e.enforcer.EnforceEx(r.Subject.String(), object(r), r.Method, r)
	switch {
	case errors.Is(err, errUnknown):
		d.Refuse(access.Indeterminate, "The policy asks for something that this call does not have or that has another type.")
		return d, nil
	case err != nil:
		// What Casbin says may hold what a caller sent.
		d.Refuse(access.Internal, "")
		return d, errors.New("casbin: the evaluation failed")
	case len(explained) == 0:
		d.Refuse(access.DefaultDenied, "")
		return d, nil
	}
	matched, known := e.rows[explained[0]]
	if !known || allowed != (matched.effect != access.Deny) {
		d.Refuse(access.Internal, "")
		return d, errors.New("casbin: the answer is not that of its row")
	}
	d.Effect, d.Rule, d.Position = matched.effect, matched.id, matched.position
	d.Matched = []access.Match{{Rule: matched.id, Effect: matched.effect, Truth: access.True, Position: matched.position}}
	switch matched.effect {
	case access.Allow:
		d.Reason = access.RuleAllowed
	case access.Approve:
		d.Reason = access.ApprovalPending
	default:
		d.Reason = access.RuleDenied
	}
	return d, nil
}

// object is how a policy names what is asked for.
func object(r *access.Request) string {
	switch r.Kind {
	case access.Tool:
		return r.Backend + "." + r.Name
	case access.Method:
		return "method:" + r.Name
	default:
		return r.Kind.String() + ":" + r.Backend + "." + r.Name
	}
}
