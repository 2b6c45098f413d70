package pa

import (
	"context"
	"slices"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/pdp"
)

// Leases knows the leases that count. It MUST be safe for concurrent use. An
// error is a malfunction: no lease counts then.
type Leases interface {
	// Use lets a lease answer a held call, counts that durably, and returns the
	// id of the lease; "" where none answers.
	Use(ctx context.Context, c *approval.Call) (string, error)
	// Lifts returns which entries of `break_glass` are open for a subject. It
	// only reads.
	Lifts(ctx context.Context, subject, agent string, of []approval.Glass) ([]string, error)
	// Lift counts one use of each entry and returns the ids of the leases; ""
	// where one of them is not open any more, and then none was counted.
	Lift(ctx context.Context, subject, agent string, of []approval.Glass) (string, error)
}

// leased reports whether a lease answers what rules hold. It is asked only where
// every one of them lets an answer stand: whatever else is held, denied or not
// granted never comes here.
func (a *Administrator) leased(r *access.Request, held *approval.Request, d *access.Decision) bool {
	if a.opt.Leases == nil || slices.ContainsFunc(held.Rules, func(rule approval.Rule) bool { return !rule.Standing.Allowed }) {
		return false
	}
	id, err := a.opt.Leases.Use(context.Background(), &approval.Call{Request: held, Args: r.Args, Places: r.Places})
	if err != nil || id == "" {
		return false // and the call is asked about
	}
	d.Effect, d.Reason, d.Lease = access.Allow, access.LeaseAllowed, id
	d.Message, d.Remediation = "", ""
	return true
}

// lifting is a call that only entries of `break_glass` let pass.
type lifting struct {
	subject, agent string
	of             []approval.Glass
}

// lift judges a call again without the rules that open entries of `break_glass`
// lift, where that changes what becomes of it. It returns nil where nothing is
// lifted. Only where a rule that is marked restricts the call does anybody ask
// which entries are open.
func (a *Administrator) lift(p *inForce, r *access.Request, d *access.Decision) *lifting {
	if a.opt.Leases == nil || r.Params.IsAbsent() || len(r.Lifts) > 0 || d.Effect == access.Allow {
		return nil
	}
	of := glass(p.Snapshot, d)
	if len(of) == 0 {
		return nil
	}
	l := &lifting{subject: r.Subject.String(), agent: r.Agent}
	open, err := a.opt.Leases.Lifts(context.Background(), l.subject, l.agent, of)
	if err != nil || len(open) == 0 {
		return nil
	}
	for _, names := range append(single(open), open) {
		without := access.Decision{}
		r.Lifts = names
		p.judge(r, &without)
		if !improves(d, &without) {
			continue
		}
		for _, g := range of {
			if slices.Contains(names, g.Name) {
				l.of = append(l.of, g)
			}
		}
		*d = without
		return l
	}
	r.Lifts = nil
	return nil
}

// single returns each name by itself: as little is lifted as does.
func single(names []string) [][]string {
	out := make([][]string, len(names))
	for i := range names {
		out[i] = names[i : i+1 : i+1]
	}
	return out
}

// improves reports whether a call gets further without what was lifted.
func improves(with, without *access.Decision) bool {
	return without.Effect == access.Allow || with.Effect == access.Deny && without.Effect == access.Approve
}

// spend counts the use of what lifted the rules that kept a call, which may pass
// now. It reports false where that is open no more.
func (a *Administrator) spend(l *lifting, d *access.Decision) bool {
	ids, err := a.opt.Leases.Lift(context.Background(), l.subject, l.agent, l.of)
	if err != nil || ids == "" {
		return false
	}
	if d.Lease != "" {
		ids = d.Lease + "," + ids
	}
	d.Lease = ids
	return true
}

// glass names the entries of `break_glass` that could lift a rule which
// restricts a call, with what approving each of them asks for.
func glass(s *pdp.Snapshot, d *access.Decision) []approval.Glass {
	var out []approval.Glass
	for i := range d.Matched {
		m := &d.Matched[i]
		if m.Monitor || m.Effect != access.Deny && m.Effect != access.Approve {
			continue
		}
		for _, name := range s.LiftedBy(m.Rule) {
			if g, ok := GlassRule(s, name); ok && !slices.ContainsFunc(out, func(have approval.Glass) bool { return have.Name == name }) {
				out = append(out, g)
			}
		}
	}
	return out
}

// GlassRule says what approving an entry of `break_glass` asks for, as a rule
// whose answers stand: as long as the entry is valid, and as often as it says.
// The caller cannot approve it for themselves unless the entry says so.
func GlassRule(s *pdp.Snapshot, name string) (approval.Glass, bool) {
	b, ok := s.BreakGlass(name)
	if !ok {
		return approval.Glass{}, false
	}
	uses := b.Uses
	if uses == 0 {
		uses = approval.DefaultUses
	}
	return approval.Glass{Name: name, Rule: approval.Rule{
		ID: "break_glass." + name, Position: b.Position, Group: b.Group, Quorum: b.Quorum,
		Assurance: approval.Assurance(b.Assurance), NotSelf: b.Self != "allowed",
		Standing: approval.Standing{Allowed: true, Max: b.Valid, Uses: uses},
	}}, true
}

// HeldBy says what a rule that approves asks of an answer, for who wants a lease
// that answers it.
func HeldBy(s *pdp.Snapshot, id string) (approval.Rule, bool) {
	info, ok := s.Rule(id)
	if !ok || info.Effect != access.Approve && !info.ElseApprove {
		return approval.Rule{}, false
	}
	return add(nil, s, id, info.Position)[0], true
}
