package proof

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/policy"
)

// Difference is a class of requests that two policies decide differently.
type Difference struct {
	ID     string `json:"id"`     // its number, from 1
	Target string `json:"target"` // what the request is for: backend.tool, uri, prompt or method
	// Also names what else on this backend the policies decide so.
	Also []string `json:"also"`
	// Change is "allowed" where the newer policy lets more happen, "denied"
	// where it lets less happen.
	Change string  `json:"change"`
	Old    Verdict `json:"old"`
	New    Verdict `json:"new"`
	// Request is one of the class, as `policy eval` reads it. Both policies have
	// decided it.
	Request json.RawMessage `json:"request"`
}

// Verdict is what one of the policies says.
type Verdict struct {
	Decision access.Effect `json:"decision"`
	Reason   access.Reason `json:"reason"`
	Rule     string        `json:"rule,omitempty"`
	Position string        `json:"position,omitempty"`
}

// Comparison is what was found between two policies.
type Comparison struct {
	Differences []Difference `json:"differences"`
	// Tried is how many different requests both policies have decided. Where
	// nothing differs, this is what the answer rests on: the policies agree on
	// these requests, which were made from the patterns, values and bounds of
	// their rules.
	Tried int `json:"tried"`
	// Complete is false where there were more to try.
	Complete bool `json:"complete"`
}

// maxTried bounds the requests of one comparison.
const maxTried = 100_000

// side is one of the policies that are compared.
type side struct {
	*view
	decider *Decider
}

// witnesses makes requests up and keeps those that tell two policies apart.
type witnesses struct {
	older, newer side
	bench        *Bench
	home         string
	tried        map[string]bool
	classes      map[string]int // where in out a class stands
	// caps are the counts of limits and rates, by the id of their counters.
	caps  map[string]int
	teams []policy.Team
	out   Comparison
}

// Compare looks for requests that two policies decide differently. Candidates
// are made of the rules of both: their patterns, values, bounds and places, and
// every restriction laid over every grant that it may meet. The comparison is
// nil where a policy is not valid, and the problems say why.
func Compare(older, newer *Bench) (*Comparison, []policy.Problem) {
	w := &witnesses{bench: newer, home: newer.Options.Home, teams: newer.Options.Teams, caps: map[string]int{}, tried: map[string]bool{}, classes: map[string]int{}}
	w.out = Comparison{Differences: []Difference{}, Complete: true}
	var problems []policy.Problem
	for _, s := range []struct {
		to   *side
		from *Bench
	}{{&w.older, older}, {&w.newer, newer}} {
		d, snapshot, found := s.from.decider(s.from.Sources)
		problems = append(problems, found...)
		if d == nil {
			return nil, problems
		}
		*s.to = side{newView(snapshot, s.from.Sources), d}
		w.capped(s.from.Sources)
	}
	w.run()
	w.out.Tried = len(w.tried)
	slices.SortStableFunc(w.out.Differences, func(a, b Difference) int { return strings.Compare(a.Change, b.Change) })
	for i := range w.out.Differences {
		w.out.Differences[i].ID = strconv.Itoa(i + 1)
	}
	return &w.out, problems
}

func (w *witnesses) run() {
	rules := slices.Concat(w.older.rules, w.newer.rules)
	var grants []*writtenRule
	for _, r := range rules {
		if r.Effect != access.Deny && !r.NoGrant {
			grants = append(grants, r)
		}
	}
	for _, r := range rules {
		for _, p := range w.targets(r) {
			w.vary(w.newDraft(p), r, nil)
		}
	}
	for _, g := range grants {
		for _, r := range rules {
			if r == g {
				continue
			}
			for _, p := range w.targets(g) {
				if slices.ContainsFunc(r.patterns, func(q pattern) bool { return q.covers(p) }) {
					w.vary(w.newDraft(p), g, r)
				}
			}
		}
	}
}

// targets returns what a rule is about, in the single: the tools of known
// servers, what a rule of either policy names, and one name that nobody does.
func (w *witnesses) targets(r *writtenRule) []pattern {
	var out []pattern
	add := func(p pattern) {
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	for _, p := range r.patterns {
		if p.everything {
			continue
		}
		for _, s := range []*side{&w.older, &w.newer} {
			for _, q := range s.decider.tools(s.snapshot) {
				if p.covers(q) {
					add(pattern{kind: q.kind, backend: instance(q.backend), name: instance(q.name)})
				}
			}
		}
		add(pattern{kind: p.kind, backend: instance(p.backend), name: instance(p.name)})
	}
	return out
}

// vary decides a request that meets every condition of a rule, then each that
// differs from it in one. Over it lies another rule, if there is one.
func (w *witnesses) vary(base *draft, r, over *writtenRule) {
	w.excuse(base)
	w.join(base, r)
	choices := w.choices(r)
	if paths := r.conditions["paths"]; paths != nil {
		base.outer, _, _ = r.places(paths)
	}
	for _, c := range choices {
		c[0](base)
	}
	if over != nil {
		choices = w.choices(over)
		for _, c := range choices {
			c[0](base)
		}
	}
	w.each(base, append(choices, w.around()...))
	if over != nil {
		w.exceptions(base, over)
	}
}

// each tries a request and all that differ from it in one choice.
func (w *witnesses) each(base *draft, choices [][]choice) {
	w.try(base)
	for _, c := range choices {
		for _, change := range c {
			if len(w.tried) >= maxTried {
				w.out.Complete = false
				return
			}
			d := base.clone()
			change(d)
			w.try(d)
		}
	}
}

// try decides a request under both policies and keeps it if they differ and no
// request of its class was kept.
func (w *witnesses) try(d *draft) {
	line := d.line()
	if line == nil || w.tried[string(line)] {
		return
	}
	w.tried[string(line)] = true
	older, ok := w.older.decider.verdict(line)
	if !ok {
		return
	}
	newer, ok := w.newer.decider.verdict(line)
	if !ok || older.Decision == newer.Decision {
		return
	}
	diff := Difference{Target: named(d.target), Also: []string{}, Change: "denied", Old: older, New: newer, Request: line}
	if rank(newer.Decision) > rank(older.Decision) {
		diff.Change = "allowed"
	}
	kind := strings.TrimSuffix(diff.Target, d.target["tool"]+d.target["uri"]+d.target["prompt"]+d.target["method"])
	class := strings.Join([]string{kind, older.Decision.String(), older.Rule, newer.Decision.String(), newer.Rule}, "\x00")
	if i, kept := w.classes[class]; kept {
		if same := &w.out.Differences[i]; same.Target != diff.Target && !slices.Contains(same.Also, diff.Target) {
			same.Also = append(same.Also, diff.Target)
		}
		return
	}
	w.classes[class] = len(w.out.Differences)
	w.out.Differences = append(w.out.Differences, diff)
}

func named(target map[string]string) string {
	switch {
	case target["tool"] != "":
		return target["backend"] + "." + target["tool"]
	case target["method"] != "":
		return "method:" + target["method"]
	case target["uri"] != "":
		return "resource:" + target["backend"] + "." + target["uri"]
	default:
		return "prompt:" + target["backend"] + "." + target["prompt"]
	}
}

// rank orders outcomes by how much they let happen.
func rank(e access.Effect) int {
	return slices.Index([]access.Effect{access.Deny, access.Approve, access.Allow}, e)
}

// verdict decides a line; ok is false where it is no request.
func (d *Decider) verdict(line []byte) (v Verdict, ok bool) {
	r, def, _, err := ReadRequest(line, d.backend)
	if err != nil {
		return v, false
	}
	var decision access.Decision
	d.Complete(r, def).Decide(r, &decision)
	return Verdict{Decision: decision.Effect, Reason: decision.Reason, Rule: decision.Rule, Position: decision.Position}, true
}
