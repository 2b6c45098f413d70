package pdp

import (
	"cmp"
	"slices"

	"github.com/custos-zt/custos/access"
)

// candidateRoom is how many candidates a decision holds without allocating.
const candidateRoom = 64

// Decide fills d with the decision on r. It reuses the room of d.Matched and
// overwrites everything else; r is only read. As long as d.Matched has room it
// allocates nothing, but for the URLs that `urls` and `hosts` read, for URIs
// that have several readings, for a default denial that repeats a path, for a
// caller that more than a handful of layers may be about or with dozens of roles
// that the policy names, and where more than a hundred rules may be about a call.
//
// Gates come first: no policy lifts them. Then every rule whose patterns cover
// the request is evaluated, in every layer that has to do with the caller, and
// any deny that restricts denies. What is left is what the root grants, or what
// a layer grants that it delegates to; the layers below may still hold it. What
// nothing grants is denied. What passes is asked of denies alone. Limits come
// last: they hold whichever rule allowed.
//
// A denial that only better authentication of the caller would turn is one that
// says so: see [access.StepUp].
func (s *Snapshot) Decide(r *access.Request, d *access.Decision) {
	s.decideOnce(r, d)
	if d.Effect == access.Deny && s.proofs != nil {
		s.stepUp(r, d)
	}
}

// decideOnce is Decide for what is known of the caller.
func (s *Snapshot) decideOnce(r *access.Request, d *access.Decision) {
	*d = access.Decision{PolicyDigest: s.digest, Matched: d.Matched[:0]}
	if stop(r, d) {
		return
	}
	e := evaluation{s: s, r: r}
	e.begin()
	if len(s.layers.all) == 1 {
		e.decide(nil, d)
		return
	}
	var room [layerRoom]tally
	below := room[:0]
	for range e.under() {
		below = append(below, tally{})
		below[len(below)-1].clear()
	}
	e.decide(below, d)
}

// decide weighs the candidates and finds words for a denial that has none. below
// has an empty tally for each layer under the root.
func (e *evaluation) decide(below []tally, d *access.Decision) {
	candidates := e.candidates()
	e.weigh(candidates, below, d)
	if d.Effect != access.Deny || d.Message != "" {
		return
	}
	if e.narrowed {
		e.anyCall = true
		candidates = e.candidates()
	}
	e.explainDefault(candidates, d)
}

// weigh tallies the rules and settles.
func (e *evaluation) weigh(candidates []int32, below []tally, d *access.Decision) {
	t := tallies{below: below}
	t.root.clear()
	for _, i := range candidates {
		if r := &e.s.rules[i]; r.is(isSimple) && e.r.Kind == access.Tool {
			e.tallySimple(i, r, &t.root, d)
		} else {
			e.tally(i, &t, d)
		}
	}
	e.settle(&t, d)
	if d.Effect != access.Deny {
		e.capped(d)
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

// tally holds the determining rule of every way to match so far, in one layer.
type tally struct {
	deny, suspect, allow, hold, grantHold int32
	// delegate gives consent for certain; pending may have to be answered.
	delegate, pending int32
	// from has a bit for each level above that delegates to this layer.
	from uint8
}

// clear makes t the tally of no rule. It writes in place: what is stored in
// small parts and copied as a whole keeps a processor waiting.
func (t *tally) clear() {
	t.deny, t.suspect, t.allow, t.hold, t.grantHold = none32, none32, none32, none32, none32
	t.delegate, t.pending, t.from = none32, none32, 0
}

// grants reports whether the layer allows or approves by itself.
func (t *tally) grants() bool { return t.allow != none32 || t.grantHold != none32 }

// tallies are those of the root and, in the order of evaluation.under, of the
// layers under it.
type tallies struct {
	root  tally
	below []tally
}

// tally evaluates rule i and notes what it does.
func (e *evaluation) tally(i int32, ts *tallies, d *access.Decision) {
	r := &e.s.rules[i]
	v := e.judge(r)
	if !v.acts() {
		return
	}
	v.match(d, r)
	if r.is(isMonitor) {
		return
	}
	t := &ts.root
	if r.layer != 0 {
		_, k := e.standing(r.layer)
		t = &ts.below[k]
	}
	switch {
	case r.effect == access.Deny || v.denies:
		e.tallyDeny(i, v, t)
	case r.effect == access.Delegate:
		e.tallyDelegate(i, v, t, ts)
	case r.effect == access.Allow && !v.holds:
		e.better(&t.allow, i)
	default:
		if v.restricts != access.False && !v.lifted {
			e.better(&t.hold, i)
		}
		if v.grants {
			e.better(&t.grantHold, i)
		}
	}
}

// tallySimple is tally for what most rules are: an allow or a deny of the root
// with conditions and nothing beside.
func (e *evaluation) tallySimple(i int32, r *rule, t *tally, d *access.Decision) {
	var truth access.Truth
	if r.effect == access.Deny {
		if truth = e.all(r.ops, restricting); truth == access.False {
			return
		}
		best := &t.suspect
		if truth == access.True {
			best = &t.deny
		}
		e.better(best, i)
	} else {
		if truth = e.all(r.ops, granting); truth != access.True {
			return
		}
		e.better(&t.allow, i)
	}
	matched(d, r, r.effect, truth)
}

// matched adds a rule to the decision and returns its place there, which it
// fills where it is: see [tally.clear].
func matched(d *access.Decision, r *rule, effect access.Effect, truth access.Truth) *access.Match {
	n := len(d.Matched)
	if n < cap(d.Matched) {
		d.Matched = d.Matched[:n+1]
	} else {
		d.Matched = append(d.Matched, access.Match{})
	}
	m := &d.Matched[n]
	m.Rule, m.Position, m.Open = r.id, r.position, nil
	m.Effect, m.Truth, m.Monitor, m.Lifted = effect, truth, false, false
	return m
}

func (e *evaluation) tallyDeny(i int32, v verdict, t *tally) {
	switch {
	case v.lifted:
	case v.restricts == access.True:
		e.better(&t.deny, i)
	default:
		e.better(&t.suspect, i)
	}
}

func (e *evaluation) tallyDelegate(i int32, v verdict, t *tally, ts *tallies) {
	e.better(&t.pending, i)
	if !v.grants {
		return
	}
	e.better(&t.delegate, i)
	for k, b := range e.under() {
		if slices.Contains(e.s.infos[i].to, b.layer) {
			ts.below[k].from |= 1 << e.level(i)
		}
	}
}

// match adds a rule that acts to the decision.
func (v verdict) match(d *access.Decision, r *rule) {
	effect, truth := r.effect, v.restricts
	switch {
	case v.denies:
		effect = access.Deny
	case v.holds:
		effect = access.Approve
	}
	if v.grants {
		truth = access.True
	}
	m := matched(d, r, effect, truth)
	m.Monitor, m.Lifted = r.is(isMonitor), v.lifted
}

func (e *evaluation) determine(d *access.Decision, i int32, effect access.Effect, reason access.Reason) {
	r := &e.s.rules[i]
	e.determining = i
	d.Effect, d.Reason = effect, reason
	d.Rule, d.Position, d.Layer = r.id, r.position, e.s.layers.all[r.layer].name
	var says saying
	if r.is(isWorded) {
		says = e.s.says[i]
	}
	d.Message, d.Remediation = says.message, says.remediation
	if reason == access.LimitExceeded && d.Message == "" {
		d.Remediation = limitRemediation
	}
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
	if a.rank != noRank && b.rank != noRank {
		return a.rank < b.rank
	}
	return cmp.Or(
		cmp.Compare(e.specificity(b), e.specificity(a)), narrower(a, b),
		cmp.Compare(a.id, b.id)) < 0
}

// asks counts the conditions of a rule.
func (r *rule) asks() int32 { return r.ops.to - r.ops.from + r.unless.to - r.unless.from }

func (e *evaluation) specificity(r *rule) int {
	best := 0
	targets := e.s.targets[r.at]
	for i := range targets {
		if t := &targets[i]; t.matches(e.r.Kind, e.r.Backend, e.r.Name) {
			best = max(best, t.specificity())
		}
	}
	return best
}
