package pdp

import "github.com/custos-zt/custos/access"

// Account adds to the decision on r what its record says beyond the answer: the
// open conditions of rules that matched without all of them being true, and the
// rule that came nearest to a grant where none granted. It asks again what
// Decide asked and changes no outcome; for a call that a rule allowed for certain
// it does nothing.
func (s *Snapshot) Account(r *access.Request, d *access.Decision) {
	e := evaluation{s: s, r: r}
	begun := false
	begin := func() {
		if !begun {
			begun = true
			e.begin()
		}
	}
	for i := range d.Matched {
		m := &d.Matched[i]
		if m.Truth == access.True && m.Effect == access.Allow {
			continue
		}
		at, ok := s.numberOf(m.Rule)
		if !ok || m.Truth == access.True && m.Effect == s.rules[at].effect {
			continue
		}
		begin()
		m.Open = e.open(&s.rules[at], e.judge(&s.rules[at]))
	}
	if d.Reason != access.DefaultDenied && d.Reason != access.DelegationUnanswered {
		return
	}
	begin()
	e.anyCall = true
	near := e.nearest(e.candidates(), true, d.Reason == access.DelegationUnanswered)
	if near.rule != none32 {
		rule := &s.rules[near.rule]
		d.Nearest = &access.Nearest{Rule: rule.id, Position: rule.position, Open: e.open(rule, verdict{grants: true})}
	}
}

// maxOpen bounds how many conditions one rule lists.
const maxOpen = 16

// open lists what of a rule was not true, read as the rule acted: v says how. An
// exception that may hold counts as one condition, `unless`. An expression is
// asked only where nothing else is open: it costs most, and stands last.
func (e *evaluation) open(r *rule, v verdict) []access.Condition {
	main, exception := granting, restricting
	if !v.grants && r.effect != access.Allow && r.effect != access.Delegate || v.denies {
		main, exception = restricting, granting
	}
	var out []access.Condition
	for i := r.ops.from; i < r.ops.to; i++ {
		if e.s.ops[i].code == CodeWhen && len(out) > 0 {
			continue
		}
		if t := e.eval(&e.s.ops[i], main); t != access.True && len(out) < maxOpen {
			out = append(out, access.Condition{Field: e.s.written[i].field, Truth: t})
		}
	}
	if r.unless.from < r.unless.to {
		if t := not(e.excepted(r, exception)); t != access.True {
			out = append(out, access.Condition{Field: "unless", Truth: t})
		}
	}
	if r.layer != 0 {
		if at, _ := e.standing(r.layer); at == perhaps {
			out = append(out, access.Condition{Field: "layer", Truth: access.Unknown})
		}
	}
	return out
}
