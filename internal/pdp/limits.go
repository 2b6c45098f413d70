package pdp

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/custos-zt/custos/access"
)

// Limit is one entry of `limits:`, a cap that holds whichever rule allowed the
// call.
type Limit struct {
	ID, Position, Layer  string
	Targets              []Target
	Rate                 Rate
	Message, Remediation string
}

// Rate caps how often something is admitted: at most Max times within Window,
// counted apart for each value of Per.
type Rate struct {
	Max    int64
	Window time.Duration
	// Per are words of [PerNames]; empty is issuer, subject and agent.
	Per []string
	// Approve says that a person may let more through; else it is denied.
	Approve bool
	// Text is what the author wrote: "100/1m".
	Text string
}

// PerNames are the words of `per`.
func PerNames() []string {
	return []string{"issuer", "subject", "agent", "tenant", "session", "backend", "tool"}
}

type limit struct {
	*Limit
	layer int32
}

func (s *Snapshot) buildLimits(p *Program) {
	for i := range p.Limits {
		s.limits = append(s.limits, limit{&p.Limits[i], s.layers.byName[p.Limits[i].Layer]})
	}
	// Of several that are reached the first determines: that of a layer above.
	slices.SortFunc(s.limits, func(a, b limit) int {
		return cmp.Or(cmp.Compare(a.layer, b.layer), cmp.Compare(a.ID, b.ID))
	})
}

// within reports whether one more call stays within the rate: true, false, or
// unknown where nobody counted.
func (r *Rate) within(id string, counters map[string]int64) access.Truth {
	used, known := counters[id]
	if !known || used < 0 {
		return access.Unknown
	}
	return truth(used < r.Max)
}

// capped applies the limits to a call that would pass or be held. A limit of a
// layer that may be the caller's counts as one that is.
func (e *evaluation) capped(d *access.Decision) {
	var deny, hold *limit
	certain := access.Unknown
	for i := range e.s.limits {
		l := &e.s.limits[i]
		at, _ := e.standing(l.layer)
		if at == outside || at == aside && l.Rate.Approve || !e.limits(l) {
			continue
		}
		within := l.Rate.within(l.ID, e.r.Counters)
		if within == access.True {
			continue
		}
		m := access.Match{Rule: l.ID, Effect: access.Deny, Truth: not(within), Position: l.Position}
		switch {
		case l.Rate.Approve:
			m.Effect = access.Approve
			if hold == nil {
				hold = l
			}
		case deny == nil, certain == access.Unknown && within == access.False:
			deny, certain = l, not(within)
		}
		d.Matched = append(d.Matched, m)
	}
	switch {
	case deny != nil && certain == access.True:
		e.cap(d, deny, access.Deny, access.LimitExceeded)
	case deny != nil:
		e.cap(d, deny, access.Deny, access.Indeterminate)
	case hold != nil && d.Effect == access.Allow && !e.r.Passes:
		e.cap(d, hold, access.Approve, access.ApprovalPending)
	}
}

// limits reports whether a limit is about the request, in one reading.
func (e *evaluation) limits(l *limit) bool {
	if covers(l.Targets, e.r, e.r.Name) {
		return true
	}
	return slices.ContainsFunc(e.uris, func(u string) bool { return covers(l.Targets, e.r, u) })
}

// cap makes a limit the determining rule.
func (e *evaluation) cap(d *access.Decision, l *limit, effect access.Effect, reason access.Reason) {
	d.Effect, d.Reason = effect, reason
	d.Rule, d.Position, d.Layer = l.ID, l.Position, e.s.layers.all[l.layer].name
	d.Message, d.Remediation = l.Message, l.Remediation
	if d.Message == "" {
		d.Message, d.Remediation = defaultMessage(effect, reason), limitRemediation
	}
}

// rate turns an allow whose rate is exceeded, or not known, into what `over`
// says. It restricts then, in the reading of what restricts: another rule that
// allows the call does not open what this one caps.
func (e *evaluation) rate(r *rule, v *verdict) {
	rate := e.s.info(r).Rate
	within := rate.within(r.id, e.r.Counters)
	if within == access.True {
		return
	}
	over := e.suspicion(r)
	if within == access.Unknown {
		over = and(over, access.Unknown)
	}
	switch {
	case over == access.False:
		v.grants = v.grants && v.holds
	case rate.Approve:
		v.holds, v.restricts = true, or(v.restricts, over)
	default:
		v.denies, v.grants, v.restricts = true, false, over
	}
}

func (e *evaluation) traceRate(r *rule) ConditionTrace {
	rate := e.s.info(r).Rate
	c := e.traceCount("rate", r.id, rate)
	if c.Grants == access.False && !rate.Approve {
		c.Truth = access.True // it is what denies
	}
	return c
}

// traceCount says what was counted. Truth and Grants are whether one more call
// stays within the rate.
func (e *evaluation) traceCount(field, id string, rate *Rate) ConditionTrace {
	within := rate.within(id, e.r.Counters)
	c := ConditionTrace{Field: field, Text: rate.Text, Seen: "unknown", Truth: within, Grants: within}
	if used, ok := e.r.Counters[id]; ok {
		c.Seen = strconv.FormatInt(used, 10) + " so far"
	}
	return c
}

// traceLimit explains a limit like the rule that it acts as, and reports
// whether it is about the request.
func (e *evaluation) traceLimit(l *limit, d *access.Decision) (RuleTrace, bool) {
	at, _ := e.standing(l.layer)
	if at == outside || at == aside && l.Rate.Approve || !e.limits(l) {
		return RuleTrace{}, false
	}
	t := RuleTrace{Rule: l.ID, Effect: access.Deny, Position: l.Position, Layer: e.s.layers.all[l.layer].name}
	words := "denies"
	if l.Rate.Approve {
		t.Effect, words = access.Approve, "holds"
	}
	c := e.traceCount("max", l.ID, &l.Rate)
	c.Truth, c.Grants = not(c.Truth), access.False
	t.Conditions = []ConditionTrace{c}
	switch {
	case slices.ContainsFunc(d.Matched, func(m access.Match) bool { return m.Rule == l.ID }):
		t.Acts = words
	case c.Truth != access.False:
		t.Conditions = append(t.Conditions, ConditionTrace{
			Field: "limits", Text: "what would pass", Seen: "denied anyway", Truth: access.False, Grants: access.False,
		})
	}
	return t, true
}
