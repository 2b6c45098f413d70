package pa

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/inventory"
	"github.com/custos-zt/custos/internal/pdp"
)

// Approvals knows what people answered. It MUST be safe for concurrent use.
type Approvals interface {
	// Consult says how a held call stands, and uses up a grant for it. An error
	// is a malfunction or a reason not to ask anybody; its text is for the
	// caller.
	Consult(ctx context.Context, r *approval.Request) (access.Approval, error)
}

// Binding is what an answer is bound to beside the call.
type Binding struct {
	// Instance is the digest of how the backend is started.
	Instance string
	// Root is where the client works.
	Root string
}

// settle gives a decision its final form: what a rule holds is allowed where a
// person allowed exactly this, waits where one can be asked, and is denied
// otherwise.
func (a *Administrator) settle(s *pdp.Snapshot, r *access.Request, def *inventory.Definition, d *access.Decision) {
	switch {
	case d.Effect == access.Approve && a.opt.Approvals != nil && !r.Params.IsAbsent():
		if !r.Later {
			a.consult(s, r, def, d)
		}
	case d.Effect == access.Approve:
		unasked(d, "this call needs a person's approval, and nobody can be asked")
	case d.Effect == access.Deny && d.Reason == access.DefaultDenied:
		a.ungrantable(s, d)
	}
	if d.Effect != access.Allow && d.Effect != access.Approve {
		d.Effect = access.Deny
	}
}

// unasked denies what nobody can be asked about.
func unasked(d *access.Decision, message string) {
	d.Effect, d.Reason = access.Deny, access.ApprovalUnavailable
	if d.Message == "" {
		d.Message = message
	}
	if d.Remediation == "" {
		d.Remediation = "Ask the person to allow it in the policy."
	}
}

// ungrantable names the rule that would have put a call to a person if it
// granted anything: where nothing allows the call, there is nothing to answer.
func (a *Administrator) ungrantable(s *pdp.Snapshot, d *access.Decision) {
	for _, m := range d.Matched {
		rule, ok := s.Rule(m.Rule)
		if m.Effect == access.Approve && !m.Monitor && ok && rule.NoGrant {
			d.Reason, d.Rule, d.Position, d.Layer = access.ApprovalNotGrantable, m.Rule, m.Position, rule.Layer
			return
		}
	}
}

// consult asks how the held call stands with the people who may allow it.
func (a *Administrator) consult(s *pdp.Snapshot, r *access.Request, def *inventory.Definition, d *access.Decision) {
	held := a.held(s, r, def, d)
	if a.leased(r, held, d) {
		return
	}
	answer, err := a.opt.Approvals.Consult(context.Background(), held)
	if err != nil {
		d.Effect, d.Reason = access.Deny, access.ApprovalUnavailable
		d.Message, d.Remediation = "a person would have to allow it, and cannot be asked: "+err.Error(), ""
		var many *approval.TooManyError
		if errors.As(err, &many) {
			d.Remediation = "Wait until one of them is answered."
		}
		return
	}
	answer.Wait = held.Wait(a.opt.Wait)
	d.Approval = &answer
	switch answer.State {
	case access.ApprovalUsed:
		d.Effect, d.Reason = access.Allow, access.ApprovalGranted
	case access.ApprovalOpen:
		d.Reason = access.ApprovalPending
	case access.ApprovalRefused:
		d.Effect, d.Reason = access.Deny, access.ApprovalDenied
		d.Message = "a person refused this call"
		d.Remediation = "Do not repeat it; ask the person what to do instead."
	default:
		d.Effect, d.Reason = access.Deny, access.Internal
		d.Message = fmt.Sprintf("the request for approval is %q", answer.State)
	}
}

// held says what a person is asked, exactly.
func (a *Administrator) held(s *pdp.Snapshot, r *access.Request, def *inventory.Definition, d *access.Decision) *approval.Request {
	h := &approval.Request{
		Subject: r.Subject.String(), Agent: r.Agent, Client: r.Client, Root: a.opt.Binding.Root,
		Backend: r.Backend, Instance: a.opt.Binding.Instance, Kind: r.Kind, Method: r.Method, Name: r.Name,
		Digest: canon.RequestDigest(r.Method, r.Params), Params: r.Params.Raw(), Policy: d.PolicyDigest,
	}
	if def != nil {
		h.Definition = def.Digest
	}
	if r.FromBackend {
		h.Act = approval.ActAsk
	}
	for _, text := range r.Tool.Secrets {
		if p, err := pdp.ParseArgPath(text); err == nil { // it was read once, with the policy
			h.Secrets = append(h.Secrets, p.Keys())
		}
	}
	for i := range r.Places {
		if p := &r.Places[i]; p.Declared && p.Grantable {
			h.Paths = append(h.Paths, p.Arg)
		}
	}
	for _, m := range d.Matched {
		if m.Effect == access.Approve && !m.Monitor && !m.Lifted {
			h.Rules = add(h.Rules, s, m.Rule, m.Position)
		}
	}
	h.Rules = add(h.Rules, s, d.Rule, d.Position)
	return h
}

// add adds a rule that holds, or a limit, which asks for nothing more than an
// answer.
func add(rules []approval.Rule, s *pdp.Snapshot, id, position string) []approval.Rule {
	if slices.ContainsFunc(rules, func(r approval.Rule) bool { return r.ID == id }) {
		return rules
	}
	rule := approval.Rule{ID: id, Position: position}
	if info, ok := s.Rule(id); ok && info.Approval != nil {
		o := info.Approval
		rule.Group, rule.Quorum, rule.Assurance = o.Group, o.Quorum, approval.Assurance(o.Assurance)
		rule.NotSelf, rule.Valid, rule.Wait = o.Self == "never", o.Valid, o.Wait
		if o.Standing != nil {
			rule.Standing = approval.Standing{Allowed: true, Max: o.Standing.Max, Uses: o.Standing.Uses, Issue: o.Standing.Issue}
		}
	}
	return append(rules, rule)
}
