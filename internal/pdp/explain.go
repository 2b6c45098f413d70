package pdp

import (
	"slices"
	"strings"

	"github.com/custos-zt/custos/access"
)

// Explanation says how a decision came about: every rule and limit whose
// patterns cover the request, every condition of it, what the condition saw. It repeats
// values of the call, and is meant for the person who owns it.
type Explanation struct {
	Decision access.Decision `json:"decision"`
	Rules    []RuleTrace     `json:"rules"`
	// Nearest is the rule that would have granted with the fewest conditions
	// changed, or nil: where the call was granted, or no rule is about it.
	Nearest *RuleTrace `json:"nearest,omitempty"`
}

// RuleTrace is one rule that was considered.
type RuleTrace struct {
	Rule     string        `json:"rule"`
	Effect   access.Effect `json:"effect"`
	Position string        `json:"position"`
	Layer    string        `json:"layer"`
	// Template is the template that made the rule.
	Template *Origin `json:"template,omitempty"`
	// Acts is what the rule does with the request: "denies", "holds", "allows",
	// "grants a hold", "delegates", "may delegate", "is lifted", or "" where it
	// does not match.
	Acts string `json:"acts"`
	// Monitor says that it only records it.
	Monitor    bool             `json:"monitor,omitempty"`
	Conditions []ConditionTrace `json:"conditions"`
	// Unless holds the conditions of each exception.
	Unless [][]ConditionTrace `json:"unless,omitempty"`
}

// ConditionTrace is one condition and what it saw.
type ConditionTrace struct {
	Field string `json:"field"` // "args.limit"
	Text  string `json:"text"`  // as written
	Seen  string `json:"seen"`
	// Truth is the reading that the rule's effect uses. An approve uses both:
	// Truth holds, and Grants grants the hold.
	Truth  access.Truth `json:"truth"`
	Grants access.Truth `json:"grants"`
}

// Failed returns the conditions that kept the rule from granting.
func (t *RuleTrace) Failed() []ConditionTrace {
	return slices.DeleteFunc(slices.Clone(t.Conditions), func(c ConditionTrace) bool { return c.Grants == access.True })
}

// Explain decides r again and says why. It uses the evaluators of
// [Snapshot.Decide], so that the two cannot disagree.
func (s *Snapshot) Explain(r *access.Request) *Explanation {
	x := &Explanation{Rules: []RuleTrace{}}
	s.Decide(r, &x.Decision)
	s.Oblige(&x.Decision)
	e := evaluation{s: s, r: r, everyLayer: true, everyRule: true}
	e.begin()
	candidates := e.candidates()
	unanswered := x.Decision.Reason == access.DelegationUnanswered
	nearest := e.nearest(candidates, false, unanswered).rule
	at := -1
	for _, i := range candidates {
		if _, some := e.covered(&s.rules[i]); !some {
			continue
		}
		if i == nearest {
			at = len(x.Rules)
		}
		x.Rules = append(x.Rules, e.trace(&s.rules[i]))
	}
	for i := range s.limits {
		if t, about := e.traceLimit(&s.limits[i], &x.Decision); about {
			x.Rules = append(x.Rules, t)
		}
	}
	if at >= 0 && (unanswered || x.Decision.Reason == access.DefaultDenied) {
		x.Nearest = &x.Rules[at]
	}
	return x
}

func (e *evaluation) trace(r *rule) RuleTrace {
	v := e.judge(r)
	main, exception := granting, restricting
	if r.effect != access.Allow && r.effect != access.Delegate || v.denies {
		main, exception = restricting, granting
	}
	t := RuleTrace{
		Rule: r.id, Effect: r.effect, Position: r.position, Monitor: r.is(isMonitor), Layer: e.s.layers.all[r.layer].name,
		Acts:       v.words(r),
		Conditions: e.traceAll(r.ops, main),
	}
	if e.s.info(r).Template.Name != "" {
		t.Template = &e.s.info(r).Template
	}
	if all, some := e.covered(r); !all {
		t.Conditions = append(t.Conditions, ConditionTrace{
			Field: "uri", Text: "every reading of the URI", Seen: strings.Join(append([]string{e.r.Name}, e.uris...), ", "),
			Truth: truth(some && r.restricts()), Grants: access.False,
		})
	}
	t.Conditions = append(t.Conditions, e.traceLayer(r)...)
	if r.is(isRated) {
		t.Conditions = append(t.Conditions, e.traceRate(r))
	}
	for i := r.unless.from; i < r.unless.to; i++ {
		t.Unless = append(t.Unless, e.traceAll(e.s.unless[i], exception))
	}
	return t
}

// traceLayer says what a layer under the root has to do with the caller, where
// it is not simply the caller's.
func (e *evaluation) traceLayer(r *rule) []ConditionTrace {
	at, _ := e.standing(r.layer)
	c := ConditionTrace{Field: "layer", Text: e.s.layers.all[r.layer].name, Grants: access.False}
	switch at {
	case inside:
		return nil
	case aside:
		c.Seen, c.Truth = "a team of the caller, and the session chose another", truth(r.effect == access.Deny)
	case open:
		c.Seen, c.Truth, c.Grants = "a team of the caller, and the session's team is not known", access.True, access.Unknown
	case perhaps:
		c.Seen, c.Truth, c.Grants = "not known to be the caller's", access.Unknown, access.Unknown
	default:
		c.Seen, c.Truth = "for others", access.False
	}
	return []ConditionTrace{c}
}

func (e *evaluation) traceAll(sp span, g reading) []ConditionTrace {
	out := []ConditionTrace{}
	for i := sp.from; i < sp.to; i++ {
		op := &e.s.ops[i]
		out = append(out, ConditionTrace{
			Field: e.s.written[i].field, Text: e.s.written[i].text, Seen: e.seen(op),
			Truth: e.eval(op, g), Grants: e.eval(op, granting),
		})
	}
	return out
}

// words says what the rule does.
func (v verdict) words(r *rule) string {
	switch {
	case !v.acts():
		return ""
	case v.lifted && !v.grants:
		return "is lifted"
	case r.effect == access.Deny || v.denies:
		return "denies"
	case r.effect == access.Delegate && v.grants:
		return "delegates"
	case r.effect == access.Delegate:
		return "may delegate"
	case r.effect == access.Allow && !v.holds:
		return "allows"
	case v.grants:
		return "grants a hold"
	default:
		return "holds"
	}
}
