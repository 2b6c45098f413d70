package pdp

import "github.com/custos-zt/custos/access"

// candidateRoom is how many candidates a decision holds without allocating.
const candidateRoom = 128

// Decide fills d with the decision on r. It reuses the room of d.Matched and
// overwrites everything else; r is only read. As long as d.Matched has room it
// allocates nothing, but for the URLs that `urls` and `hosts` read, for URIs
// that have several readings, and for a default denial that repeats a path.
//
// Gates come first: no policy lifts them. Then every rule whose patterns cover
// the request is evaluated, and any deny that restricts denies; else, if an
// allow grants, the call is held where an approve holds and allowed where none
// does; else it is held where an approve grants. What nothing grants is denied.
// What passes is asked of denies alone.
func (s *Snapshot) Decide(r *access.Request, d *access.Decision) {
	*d = access.Decision{PolicyDigest: s.digest, Matched: d.Matched[:0]}
	if stop(r, d) {
		return
	}
	e := evaluation{s: s, r: r}
	var room [candidateRoom]int32
	t := tally{deny: none32, suspect: none32, allow: none32, hold: none32, grantHold: none32}
	candidates := e.candidates(room[:0])
	for _, i := range candidates {
		e.tally(i, &t, d)
	}
	e.settle(&t, d)
	if d.Rule == "" {
		e.explainDefault(candidates, d)
	}
}

// stop answers what is refused before any rule is looked at.
func stop(r *access.Request, d *access.Decision) bool {
	if len(r.Gates) > 0 {
		d.Effect, d.Reason = access.Deny, r.Gates[0].Reason
		d.Message = gateMessage(d.Reason)
		return true
	}
	for i := range r.Places {
		if r.Places[i].Refused {
			d.Effect, d.Reason = access.Deny, access.RequestMalformed
			d.Message = "A path of this call contains control characters."
			d.Remediation = "Send the path as plain text."
			return true
		}
	}
	return false
}

const none32 int32 = -1

// rootLayer is the layer above all others.
const rootLayer = "global"

// tally holds the determining rule of every way to match so far.
type tally struct {
	deny, suspect, allow, hold, grantHold int32
}

// tally evaluates rule i and notes what it does.
func (e *evaluation) tally(i int32, t *tally, d *access.Decision) {
	r := &e.s.rules[i]
	v := e.judge(r)
	if !v.acts() {
		return
	}
	d.Matched = append(d.Matched, v.match(r))
	if r.monitor {
		return
	}
	switch {
	case r.effect == access.Deny && v.restricts == access.True:
		e.better(&t.deny, i)
	case r.effect == access.Deny:
		e.better(&t.suspect, i)
	case r.effect == access.Allow && !v.holds:
		e.better(&t.allow, i)
	default:
		if v.restricts != access.False {
			e.better(&t.hold, i)
		}
		if v.grants {
			e.better(&t.grantHold, i)
		}
	}
}

// match is how a rule that acts stands in the decision.
func (v verdict) match(r *rule) access.Match {
	m := access.Match{Rule: r.info.ID, Effect: r.effect, Truth: v.restricts, Position: r.info.Position, Monitor: r.monitor}
	if v.holds {
		m.Effect = access.Approve
	}
	if v.grants {
		m.Truth = access.True
	}
	return m
}

// settle turns the tally into effect, reason and determining rule.
func (e *evaluation) settle(t *tally, d *access.Decision) {
	// The root layer answers for what no rule does: its none is a deny.
	d.Effect, d.Reason, d.Layer = access.Deny, access.DefaultDenied, rootLayer
	switch {
	case t.deny != none32:
		e.determine(d, t.deny, access.Deny, access.RuleDenied)
	case t.suspect != none32:
		e.determine(d, t.suspect, access.Deny, access.Indeterminate)
	case e.r.Passes && t.allow == none32:
		d.Effect, d.Reason = access.Allow, access.DiscoveryPassed
	case e.r.Passes:
		e.determine(d, t.allow, access.Allow, access.RuleAllowed)
	case t.allow != none32 && t.hold != none32:
		e.determine(d, t.hold, access.Approve, access.ApprovalPending)
	case t.allow != none32:
		e.determine(d, t.allow, access.Allow, access.RuleAllowed)
	case t.grantHold != none32:
		e.determine(d, t.grantHold, access.Approve, access.ApprovalPending)
	}
}

func (e *evaluation) determine(d *access.Decision, i int32, effect access.Effect, reason access.Reason) {
	in := e.s.rules[i].info
	d.Effect, d.Reason = effect, reason
	d.Rule, d.Position, d.Layer = in.ID, in.Position, in.Layer
	d.Message, d.Remediation = in.Message, in.Remediation
	if d.Message == "" && effect != access.Allow {
		d.Message = defaultMessage(effect, reason)
	}
}

// better makes rule i the determining one if it is more specific than the one
// that is: by pattern, then by who it names, then by how much it asks, then by
// id. This never changes an outcome.
func (e *evaluation) better(best *int32, i int32) {
	if *best == none32 || e.moreSpecific(&e.s.rules[i], &e.s.rules[*best]) {
		*best = i
	}
}

func (e *evaluation) moreSpecific(a, b *rule) bool {
	if x, y := e.specificity(a), e.specificity(b); x != y {
		return x > y
	}
	if a.who != b.who {
		return a.who > b.who
	}
	if x, y := a.asks(), b.asks(); x != y {
		return x > y
	}
	return a.info.ID < b.info.ID
}

// asks counts the conditions of a rule.
func (r *rule) asks() int32 { return r.ops.to - r.ops.from + r.unless.to - r.unless.from }

func (e *evaluation) specificity(r *rule) int {
	best := 0
	for i := range r.targets {
		if t := &r.targets[i]; t.matches(e.r.Kind, e.r.Backend, e.r.Name) {
			best = max(best, t.specificity())
		}
	}
	return best
}
