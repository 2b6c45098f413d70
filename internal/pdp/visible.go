package pdp

import (
	"slices"

	"github.com/custos-zt/custos/access"
)

// Visible reports whether the caller could ever be granted what r names, with
// whatever arguments: what it could never use is not listed. r.ArgsUnknown
// MUST be set. Seeing is no grant: every call is decided.
//
// An item is visible if some allow or approve is not false for it, in the root
// or in a layer that the root may delegate to, and no deny is certainly true. What passes without a grant is visible unless it is
// certainly denied.
func (s *Snapshot) Visible(r *access.Request) bool {
	if len(r.Gates) > 0 {
		return false
	}
	if s.visibleOnce(r) {
		return true
	}
	// What better authentication would open is something to ask for.
	return s.proofs != nil && slices.ContainsFunc(s.proofs.ways, func(w way) bool { return s.visibleOnce(w.proven(r)) })
}

func (s *Snapshot) visibleOnce(r *access.Request) bool {
	e := evaluation{s: s, r: r}
	e.begin()
	return e.visible(e.candidates())
}

func (e *evaluation) visible(candidates []int32) bool {
	s, r := e.s, e.r
	var seen sight
	seen.granted = r.Passes || s.observe
	for _, i := range candidates {
		if e.look(&s.rules[i], &seen) {
			return false
		}
	}
	granted := seen.granted || seen.delegated && seen.levels != 0
	return granted && (r.Passes || !e.silenced(&seen))
}

// sight is what a look at the rules has shown so far.
type sight struct {
	granted   bool  // the root may allow or approve
	delegated bool  // the root may delegate
	levels    uint8 // bit by level: a layer there may grant
}

// look notes what a rule may do, and reports whether it denies for certain.
func (e *evaluation) look(r *rule, seen *sight) (denied bool) {
	at, _ := e.standing(r.layer)
	all, some := e.covered(r)
	switch {
	case r.is(isMonitor) || at == outside:
	case r.effect == access.Deny:
		return at != perhaps && some && e.suspicion(r) == access.True && e.neverExcepted(r) && (!r.is(isLiftable) || !e.lifted(r))
	case at == aside || !all || !e.mayGrant(r):
	case r.layer != 0:
		seen.levels |= 1 << e.s.layers.all[r.layer].level
	case r.effect == access.Delegate:
		seen.delegated = true
	default:
		seen.granted = true
	}
	return false
}

// neverExcepted reports whether no exception of a deny can come to hold.
func (e *evaluation) neverExcepted(r *rule) bool { return e.excepted(r, granting) == access.False }

// silenced reports whether a layer denies by silence whatever the arguments.
func (e *evaluation) silenced(seen *sight) bool {
	for _, b := range e.under() {
		l := &e.s.layers.all[b.layer]
		if l.silent && (b.standing == inside || b.standing == open) && seen.levels&(1<<l.level) == 0 {
			return true
		}
	}
	return false
}

// mayGrant reports whether an allow or approve may turn out to grant.
func (e *evaluation) mayGrant(r *rule) bool {
	if r.effect == access.Approve && r.is(isNoGrant) || e.excepted(r, restricting) == access.True {
		return false
	}
	return e.all(r.ops, granting) != access.False
}
