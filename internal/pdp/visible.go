package pdp

import "github.com/custos-zt/custos/access"

// Visible reports whether the caller could ever be granted what r names, with
// whatever arguments: what it could never use is not listed. r.ArgsUnknown
// MUST be set. Seeing is no grant: every call is decided.
//
// An item is visible if some allow or approve is not false for it and no deny
// is certainly true. What passes without a grant is visible unless it is
// certainly denied.
func (s *Snapshot) Visible(r *access.Request) bool {
	if len(r.Gates) > 0 {
		return false
	}
	e := evaluation{s: s, r: r}
	var room [candidateRoom]int32
	granted := r.Passes
	for _, i := range e.candidates(room[:0]) {
		rule := &s.rules[i]
		if rule.monitor {
			continue
		}
		all, some := e.covered(rule)
		switch {
		case rule.effect == access.Deny:
			if some && e.all(rule.ops, restricting) == access.True && e.excepted(rule, granting) == access.False {
				return false
			}
		case !granted && all && e.mayGrant(rule):
			granted = true
		}
	}
	return granted
}

// mayGrant reports whether an allow or approve may turn out to grant.
func (e *evaluation) mayGrant(r *rule) bool {
	if r.effect == access.Approve && r.noGrant || e.excepted(r, restricting) == access.True {
		return false
	}
	return e.all(r.ops, granting) != access.False
}
