package pdp

import "github.com/custos-zt/custos/access"

// verdict is what one rule does with one request.
type verdict struct {
	// restricts is true, or unknown by suspicion, where a deny denies or an
	// approve holds; grants where an allow allows or an approve grants its hold.
	restricts access.Truth
	grants    bool
	// holds says that an `else: approve` or a rate turned the allow into an
	// approve, denies that a rate turned it into a deny.
	holds, denies bool
	// lifted says that a live break-glass lease lifts what the rule restricts.
	lifted bool
}

// acts reports whether the rule matched at all.
func (v verdict) acts() bool { return v.restricts != access.False || v.grants }

// judge evaluates a rule whose patterns may cover the request, as far as its
// layer has to do with the caller.
func (e *evaluation) judge(r *rule) verdict {
	v := verdict{restricts: access.False}
	at := inside
	if r.layer != 0 {
		at, _ = e.standing(r.layer)
	}
	if at == outside || at == aside && r.effect != access.Deny {
		return v
	}
	all, some := e.covered(r)
	if !some {
		return v
	}
	if r.effect != access.Allow {
		v.restricts = e.suspicion(r)
	}
	if r.grants() && all {
		v.grants = e.all(r.ops, granting) == access.True && e.excepted(r, restricting) == access.False
		if !v.grants && r.is(isElseApprove) {
			e.elseApprove(r, &v)
		}
	}
	if r.is(isRated) {
		e.rate(r, &v)
	}
	if at != inside {
		v.grants = false
	}
	if at == perhaps {
		v.restricts = and(v.restricts, access.Unknown)
	}
	v.lifted = r.is(isLiftable) && v.restricts != access.False && e.lifted(r)
	return v
}

// suspicion reads the rule as one that restricts.
func (e *evaluation) suspicion(r *rule) access.Truth {
	t := e.all(r.ops, restricting)
	if t != access.False && e.excepted(r, granting) == access.True {
		return access.False
	}
	return t
}

// elseApprove makes an allow hold the call, and grant the hold, where only an
// argument or a place keeps it from being allowed. Who, environment and
// behaviour must be true for the grant; where one is unknown the call is still
// held, so that losing a fact opens nothing that another rule allows.
func (e *evaluation) elseApprove(r *rule, v *verdict) {
	certain := e.onlyCarries(r.ops)
	if certain == access.False || e.excepted(r, granting) == access.True {
		return
	}
	v.holds, v.restricts = true, certain
	v.grants = certain == access.True && e.excepted(r, restricting) == access.False
}

// onlyCarries is false unless an argument or place condition is not true and
// no other is false; it is unknown where who, environment or behaviour are.
func (e *evaluation) onlyCarries(sp span) access.Truth {
	open, certain := false, access.True
	for i := sp.from; i < sp.to; i++ {
		op := &e.s.ops[i]
		t := e.eval(op, granting)
		switch {
		case op.group == GroupArguments || op.group == GroupPlaces:
			open = open || t != access.True
		case t == access.False:
			return access.False
		case op.group != GroupWhat && op.group != GroupExpression:
			certain = and(certain, t)
		}
	}
	if !open {
		return access.False
	}
	return certain
}

// excepted joins the entries of `unless`: one suffices.
func (e *evaluation) excepted(r *rule, g reading) access.Truth {
	t := access.False
	if r.unless.from == r.unless.to {
		return t
	}
	for i := r.unless.from; i < r.unless.to && t != access.True; i++ {
		t = or(t, e.all(e.s.unless[i], g))
	}
	return t
}

// covered reports whether the patterns of the rule cover every reading of the
// name, and whether they cover one. Only URIs have several; the index has
// already compared the names of tools and prompts.
func (e *evaluation) covered(r *rule) (all, some bool) {
	switch e.r.Kind {
	case access.Tool, access.Prompt:
		return true, true
	default:
	}
	all = true
	for i := -1; i < len(e.uris); i++ {
		name := e.r.Name
		if i >= 0 {
			name = e.uris[i]
		}
		if covers(e.s.info(r).Targets, e.r, name) {
			some = true
		} else {
			all = false
		}
	}
	if !some && r.restricts() {
		some = e.coveredFolded(r)
	}
	return all, some
}

func covers(targets []Target, r *access.Request, name string) bool {
	for i := range targets {
		if targets[i].matches(r.Kind, r.Backend, name) {
			return true
		}
	}
	return false
}
