package pdp

import "github.com/custos-zt/custos/access"

// settle turns the tallies into effect, reason and determining rule.
//
// Any deny of any layer denies. Else the root decides: what it allows or
// approves stands, what it delegates is what the layer that it names grants,
// and what it is silent about is denied. The layers below then restrict: each
// may hold the call, refuse by silence, or leave a delegation unanswered. A
// layer never adds to what those above it consent to.
func (e *evaluation) settle(t *tallies, d *access.Decision) {
	switch {
	case e.denied(t, d):
	case e.r.Passes:
		e.passes(t, d)
	default:
		e.rooted(t, d)
		if d.Effect != access.Deny && len(e.under()) > 0 {
			e.restrict(t, d)
		}
		if d.Effect != access.Deny {
			e.holdBack(t, d)
		}
	}
}

// denied answers where a deny of some layer restricts: certain ones before
// suspected ones, and those of the layers above before those below.
func (e *evaluation) denied(t *tallies, d *access.Decision) bool {
	certain, suspect := t.root.deny, t.root.suspect
	for k := range t.below {
		certain = e.higher(certain, t.below[k].deny)
		suspect = e.higher(suspect, t.below[k].suspect)
	}
	switch {
	case certain == none32 && suspect == none32:
		return false
	case certain == none32:
		e.determine(d, suspect, access.Deny, access.Indeterminate)
	case e.s.rules[certain].effect != access.Deny:
		e.determine(d, certain, access.Deny, access.LimitExceeded)
	case e.grantedUnder(t, e.level(certain)):
		e.determine(d, certain, access.Deny, access.LayerDenied)
	default:
		e.determine(d, certain, access.Deny, access.RuleDenied)
	}
	return true
}

// higher returns the rule that stands in the higher layer, of one level the
// more specific. below lists the layers above first.
func (e *evaluation) higher(a, b int32) int32 {
	switch {
	case b == none32 || a != none32 && e.level(a) < e.level(b):
		return a
	default:
		e.better(&a, b)
		return a
	}
}

// grantedUnder reports whether a layer under this level grants the request.
func (e *evaluation) grantedUnder(t *tallies, l level) bool {
	for k := range t.below {
		if e.levelBelow(k) > l && t.below[k].grants() {
			return true
		}
	}
	return false
}

func (e *evaluation) levelBelow(k int) level { return e.s.layers.all[e.under()[k].layer].level }

// passes answers for what passes unless it is denied.
func (e *evaluation) passes(t *tallies, d *access.Decision) {
	if t.root.allow != none32 {
		e.determine(d, t.root.allow, access.Allow, access.RuleAllowed)
		return
	}
	d.Effect, d.Reason, d.Layer = access.Allow, access.DiscoveryPassed, rootLayer
}

// rooted answers as the root layer does.
func (e *evaluation) rooted(t *tallies, d *access.Decision) {
	root := &t.root
	switch {
	case root.allow != none32:
		e.determine(d, root.allow, access.Allow, access.RuleAllowed)
	case root.grantHold != none32:
		e.determine(d, root.grantHold, access.Approve, access.ApprovalPending)
	case root.delegate != none32:
		e.delegated(t, d)
	case e.s.observe:
		d.Effect, d.Reason, d.Layer = access.Allow, access.Observed, rootLayer
	case e.grantedUnder(t, levelRoot):
		d.Effect, d.Reason, d.Layer = access.Deny, access.NotDelegated, rootLayer
		d.Message, d.Remediation = "This call is not among those that are left to your team.", askOrOther
	default:
		// The root layer answers for what no rule does: its none is a deny.
		d.Effect, d.Reason, d.Layer = access.Deny, access.DefaultDenied, rootLayer
	}
}

// delegated answers with what a layer grants that the root delegates to.
func (e *evaluation) delegated(t *tallies, d *access.Decision) {
	switch i := e.answer(t, levelRoot); {
	case i == none32:
		e.determine(d, t.root.delegate, access.Deny, access.DelegationUnanswered)
	case e.grantsHold(t, i):
		e.determine(d, i, access.Approve, access.ApprovalPending)
	default:
		e.determine(d, i, access.Allow, access.RuleAllowed)
	}
}

// grantsHold reports whether a rule of a layer below grants a hold instead of
// allowing.
func (e *evaluation) grantsHold(t *tallies, i int32) bool {
	_, k := e.standing(e.s.rules[i].layer)
	return t.below[k].allow != i
}

// answer returns the rule by which a layer answers a delegation from this
// level, an allow before an approve; none32 where no layer does.
func (e *evaluation) answer(t *tallies, from level) int32 {
	allow, hold := none32, none32
	for k := range t.below {
		b := &t.below[k]
		if b.from&(1<<from) == 0 || e.levelBelow(k) <= from || !e.consents(t, from, e.levelBelow(k)) {
			continue
		}
		switch {
		case b.allow != none32:
			e.better(&allow, b.allow)
		case b.grantHold != none32:
			e.better(&hold, b.grantHold)
		case b.delegate != none32:
			e.passOn(t, e.answer(t, e.levelBelow(k)), &allow, &hold)
		}
	}
	if allow != none32 {
		return allow
	}
	return hold
}

// passOn takes over how a layer further below answers.
func (e *evaluation) passOn(t *tallies, i int32, allow, hold *int32) {
	switch {
	case i == none32:
	case e.grantsHold(t, i):
		e.better(hold, i)
	default:
		e.better(allow, i)
	}
}

// consents reports whether every level between two consents to the request: it
// has no layer of the caller, or one that allows, approves or delegates.
func (e *evaluation) consents(t *tallies, from, to level) bool {
	for l := from + 1; l < to; l++ {
		if e.hasLevel(l) && !e.speaks(t, l) {
			return false
		}
	}
	return true
}

func (e *evaluation) hasLevel(l level) bool {
	for k := range e.under() {
		if e.levelBelow(k) == l {
			return true
		}
	}
	return false
}

// speaks reports whether a layer of this level allows, approves or delegates.
func (e *evaluation) speaks(t *tallies, l level) bool {
	for k := range t.below {
		if e.levelBelow(k) == l && (t.below[k].grants() || t.below[k].delegate != none32) {
			return true
		}
	}
	return false
}

// restrict lets the layers below refuse what the root consents to, by silence
// or by a delegation that nobody answers.
func (e *evaluation) restrict(t *tallies, d *access.Decision) {
	for l := levelTeam; l <= levelUser && d.Effect != access.Deny; l++ {
		silent, pending, grants := none32, none32, false
		for k := range t.below {
			if e.levelBelow(k) != l || e.under()[k].standing == aside {
				continue
			}
			grants = grants || t.below[k].grants()
			pending = e.higher(pending, t.below[k].pending)
			if at := e.under()[k].layer; e.s.layers.all[at].silent {
				silent = at
			}
		}
		switch {
		case grants:
		case pending != none32 && e.answer(t, l) == none32:
			e.determine(d, pending, access.Deny, access.DelegationUnanswered)
		case silent != none32 && !e.speaks(t, l):
			*d = access.Decision{
				Effect: access.Deny, Reason: access.DefaultDenied, Layer: e.s.layers.all[silent].name,
				PolicyDigest: d.PolicyDigest, Matched: d.Matched,
			}
		}
	}
}

// holdBack turns an allow into an approve where a rule of any layer holds it.
// Of several that hold, the one in the highest layer determines: a layer below
// must not choose who is asked.
func (e *evaluation) holdBack(t *tallies, d *access.Decision) {
	hold := t.root.hold
	for k := range t.below {
		hold = e.higher(hold, t.below[k].hold)
		if t.below[k].allow == none32 {
			hold = e.higher(hold, t.below[k].grantHold)
		}
	}
	if hold == none32 || d.Effect == access.Approve && e.level(hold) >= e.level(e.determining) {
		return
	}
	e.determine(d, hold, access.Approve, access.ApprovalPending)
}
