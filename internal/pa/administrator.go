// Package pa is the policy administrator of NIST SP 800-207: it completes a
// request with everything that may be known about it, has the policy decision
// point decide, and turns what cannot be decided into a refusal.
//
// The decision point does no I/O and reads no clock; what needs either is done
// here: tool facts from declarations, registry and schema; the readings of
// paths, links included; the gates that no policy lifts; the time.
//
// An answer is allow, deny or approve: the last waits for a person, and is a
// value, not a wait. Whoever holds such a call asks again, and everything is
// collected and decided anew: an answer lets one decision pass what a rule
// holds, and nothing else. Where nobody can be asked it is a deny with reason
// approval_unavailable.
package pa

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/inventory"
	"github.com/custos-zt/custos/internal/limit"
	"github.com/custos-zt/custos/internal/pdp"
)

// Options configure an [Administrator].
type Options struct {
	Ground   Ground
	Registry *inventory.Registry // nil knows no server
	// Protected are Custos's own paths: configuration, policy, state, keys, log.
	Protected []string
	// Limits counts for limits and rates; nil leaves every count unknown.
	Limits *limit.Table
	// Engine returns what decides by a snapshot instead of the snapshot itself;
	// nil, or a nil result, leaves it to the snapshot.
	Engine func(*pdp.Snapshot) Engine
	// Now reads the clock; nil, and the zero Time, leave time unknown to policy.
	Now func() time.Time
	// Steady reads a clock that nobody can set, by which limits and rates count;
	// nil: they count by Now.
	Steady func() time.Time
	// Approvals knows what people answered; nil asks nobody. Binding is what
	// answers are bound to beside the call, and Wait how long a call waits for
	// one where its rules say nothing.
	Approvals Approvals
	Binding   Binding
	Wait      time.Duration
	// Leases answer held calls in the place of people, and open entries of
	// `break_glass`; nil: there are none.
	Leases Leases
}

// Administrator authorizes requests. It is safe for concurrent use.
type Administrator struct {
	opt       Options
	protected atomic.Pointer[[]protectedPath]
	policy    atomic.Pointer[inForce]
	marks     marks
}

// New returns an administrator without a policy: until [Administrator.Publish]
// everything is denied.
func New(o Options) *Administrator {
	a := &Administrator{opt: o}
	a.Protect(o.Protected)
	return a
}

// Protect adds paths of Custos that no call may touch. What is protected stays
// so.
func (a *Administrator) Protect(paths []string) {
	added := protect(paths)
	for {
		old := a.protected.Load()
		var all []protectedPath
		if old != nil {
			all = append(all, *old...)
		}
		all = append(all, added...)
		if a.protected.CompareAndSwap(old, &all) {
			return
		}
	}
}

// Publish makes a snapshot the policy of every later decision.
func (a *Administrator) Publish(s *pdp.Snapshot) {
	next := &inForce{Snapshot: s}
	if a.opt.Engine != nil {
		next.engine = a.opt.Engine(s)
	}
	if a.opt.Leases != nil {
		next.glass = s.BreakGlassNames()
	}
	a.policy.Store(next)
}

// Policy returns the snapshot in force, or nil.
func (a *Administrator) Policy() *pdp.Snapshot {
	if p := a.policy.Load(); p != nil {
		return p.Snapshot
	}
	return nil
}

// Authorize completes r and decides it into d. def is the definition of the
// tool asked for; nil where none is known. The caller MUST NOT use r for
// anything else meanwhile. Every malfunction is a deny.
func (a *Administrator) Authorize(r *access.Request, def *inventory.Definition, d *access.Decision) {
	defer refusePanic(d)
	current := a.policy.Load()
	if current == nil {
		d.Refuse(access.PolicyUnavailable, "no policy is loaded")
		return
	}
	snapshot := current.Snapshot
	a.complete(snapshot, r, def)
	held := a.reserve(snapshot, r)
	if snapshot.Remembers() {
		a.marks.tell(r)
	}
	current.judge(r, d)
	a.decide(current, r, def, d)
	a.refund(held, d)
	snapshot.Oblige(d)
	if d.Effect == access.Allow && snapshot.Remembers() {
		a.marks.mark(snapshot, r, d)
	}
	if d.Effect != access.Deny || len(r.Gates) > 0 || r.Passes || current.shows(r) {
		return
	}
	// Nothing of this name could ever be granted. Items are hidden, as in
	// lists; methods are listed nowhere.
	switch {
	case r.Kind != access.Method:
		d.Hidden = true
	case d.Reason == access.DefaultDenied:
		d.Reason = access.MethodUnknown
	}
}

// decide settles what was judged. A call that only an open entry of `break_glass`
// lets pass is held first, where the caller cannot wait for the use to be
// counted, and judged as if nothing was open where it no longer is.
func (a *Administrator) decide(p *inForce, r *access.Request, def *inventory.Definition, d *access.Decision) {
	lifted := a.lift(p, r, d)
	if lifted != nil && r.Later && d.Effect == access.Allow {
		d.Effect, d.Reason = access.Approve, access.ApprovalPending
		return
	}
	a.settle(p.Snapshot, r, def, d)
	if lifted == nil || d.Effect != access.Allow || a.spend(lifted, d) {
		return
	}
	r.Lifts = nil
	p.judge(r, d)
	a.settle(p.Snapshot, r, def, d)
}

// Complete adds to a request what deciding it needs, and returns the policy
// in force: for `policy eval` and `explain`, which want the bare answer of the
// decision point. The snapshot is nil where none is loaded.
func (a *Administrator) Complete(r *access.Request, def *inventory.Definition) *pdp.Snapshot {
	snapshot := a.Policy()
	if snapshot != nil {
		a.complete(snapshot, r, def)
	}
	return snapshot
}

// refusePanic makes a panic on the decision path a deny: a fault in Custos
// must not let a call through, nor end the guard.
func refusePanic(d *access.Decision) {
	if p := recover(); p != nil {
		d.Refuse(access.Internal, "Custos failed to decide this call")
		d.Remediation = fmt.Sprintf("Report this fault: %T.", p)
	}
}

// complete adds facts, schema verdict, places, gates and time.
func (a *Administrator) complete(s *pdp.Snapshot, r *access.Request, def *inventory.Definition) {
	a.describe(s, r, def)
	if def != nil {
		r.SchemaState = def.Check(r.Args)
	}
	r.Places = a.opt.Ground.places(r.Args, &r.Tool)
	r.Named = s.Named(r.Args)
	if g, hit := a.gate(r.Places); hit {
		r.Gates = append(r.Gates, g)
	}
	if a.opt.Now != nil && r.Now.IsZero() {
		r.Now = a.opt.Now()
	}
}

// describe fills what is known about the tool, for this call.
func (a *Administrator) describe(s *pdp.Snapshot, r *access.Request, def *inventory.Definition) {
	if r.Kind != access.Tool {
		// The members of other messages are described by MCP itself.
		r.Tool = access.ToolFacts{Described: true, Source: "protocol"}
		return
	}
	declared, known := s.Declared(r.Backend, r.Name)
	r.Tool = inventory.Describe(declared, a.entry(known), def)
	supplied(r)
}

func (a *Administrator) entry(known string) *inventory.Entry {
	if known == "" || a.opt.Registry == nil {
		return nil
	}
	return a.opt.Registry.Entry(known)
}

// Visible reports whether a caller could ever use an item, whatever the
// arguments: what could never be used is not shown.
func (a *Administrator) Visible(r *access.Request, def *inventory.Definition) bool {
	current := a.policy.Load()
	if current == nil {
		return false
	}
	a.describe(current.Snapshot, r, def)
	if current.Remembers() {
		a.marks.tell(r)
	}
	return current.shows(r)
}
