package proof

import (
	"cmp"
	"slices"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/inventory"
	"github.com/custos-zt/custos/internal/pdp"
	"github.com/custos-zt/custos/policy"
)

// Bench is what tests are run against: the files of one policy and how they
// are read.
type Bench struct {
	Sources  []policy.Source
	Options  policy.Options
	Registry *inventory.Registry
}

// decider compiles the policy, or another version of it.
func (b *Bench) decider(sources []policy.Source) (*Decider, *pdp.Snapshot, []policy.Problem) {
	snapshot, problems := policy.Compile(sources, b.Options)
	if snapshot == nil {
		return nil, nil, problems
	}
	return NewDecider(snapshot, b.Registry, b.Options.Home), snapshot, problems
}

// Result is what became of one case.
type Result struct {
	Name   string        `json:"name"`
	Line   int           `json:"line"`
	Passed bool          `json:"passed"`
	Want   Want          `json:"-"`
	Got    Want          `json:"-"`
	Wanted string        `json:"want"`
	Became string        `json:"got"`
	Effect access.Effect `json:"decision"`
}

// Outcome is what became of a suite.
type Outcome struct {
	File     string    `json:"file"`
	Digest   string    `json:"policy_digest"`
	Cases    int       `json:"cases"`
	Failed   int       `json:"failed"`
	Results  []Result  `json:"results"`
	Coverage *Coverage `json:"coverage,omitempty"`
	Mutation *Mutation `json:"mutation,omitempty"`
}

// Run decides every case of a suite. With coverage it also explains each. The
// outcome is nil where the policy is not valid, and the problems say why.
func (b *Bench) Run(s *Suite, coverage bool) (*Outcome, []policy.Problem) {
	d, snapshot, problems := b.decider(b.Sources)
	if d == nil {
		return nil, problems
	}
	out := &Outcome{File: s.File, Digest: snapshot.Digest(), Cases: len(s.Cases), Results: []Result{}}
	var seen *observed
	if coverage {
		seen = newObserved(snapshot)
	}
	for i := range s.Cases {
		c := &s.Cases[i]
		got, x := d.decide(c, coverage)
		if seen != nil {
			seen.note(x)
		}
		r := Result{Name: c.Name, Line: c.Line, Passed: c.Want.met(got), Want: c.Want, Got: got, Wanted: c.Want.String(), Became: got.String(), Effect: got.Decision}
		if !r.Passed {
			out.Failed++
		}
		out.Results = append(out.Results, r)
	}
	if seen != nil {
		out.Coverage = seen.coverage()
	}
	return out, problems
}

// decide decides a case, and explains it where asked to. What was a request
// when the suite was read can be none under another policy: that is a deny.
func (d *Decider) decide(c *Case, explain bool) (Want, *pdp.Explanation) {
	r, def, _, err := ReadRequest(c.line, d.backend)
	if err != nil {
		return Want{Decision: access.Deny, HasRule: true, Reason: access.RequestMalformed}, nil
	}
	snapshot := d.Complete(r, def)
	if explain {
		x := snapshot.Explain(r)
		return became(&x.Decision), x
	}
	var decision access.Decision
	snapshot.Decide(r, &decision)
	return became(&decision), nil
}

func became(d *access.Decision) Want {
	return Want{Decision: d.Effect, Rule: d.Rule, HasRule: true, Reason: d.Reason}
}

// met reports whether an outcome is the one that is wanted.
func (w Want) met(got Want) bool {
	return w.Decision == got.Decision && (!w.HasRule || w.Rule == got.Rule) && (w.Reason == "" || w.Reason == got.Reason)
}

// passes reports whether every case has its outcome; it stops at the first
// that has not.
func (d *Decider) passes(s *Suite) bool {
	return !slices.ContainsFunc(s.Cases, func(c Case) bool {
		got, _ := d.decide(&c, false)
		return !c.Want.met(got)
	})
}

// Coverage says what the cases of a suite left untouched.
type Coverage struct {
	Rules      int `json:"rules"`
	Matched    int `json:"matched"`
	Determined int `json:"determined"`
	// Gaps stand in the order of the rules.
	Gaps []Gap `json:"gaps"`
}

// Gap is one thing that no case showed.
type Gap struct {
	Position string `json:"position"`
	Rule     string `json:"rule"`
	// Field and Text name the condition, "" where the rule itself is meant.
	Field string `json:"field,omitempty"`
	Text  string `json:"text,omitempty"`
	// Never is what did not happen: "matched", "determined", "true", "false".
	Never string `json:"never"`
}

// observed collects what explanations showed, by rule.
type observed struct {
	snapshot   *pdp.Snapshot
	matched    map[string]bool
	determined map[string]bool
	conditions map[condition]*truths
}

type condition struct{ rule, field, text string }

// truths are the outcomes that a condition had.
type truths struct {
	at      int // when it was first seen, for the order of the report
	yes, no bool
}

func newObserved(s *pdp.Snapshot) *observed {
	return &observed{snapshot: s, matched: map[string]bool{}, determined: map[string]bool{}, conditions: map[condition]*truths{}}
}

func (o *observed) note(x *pdp.Explanation) {
	if x == nil {
		return
	}
	o.determined[x.Decision.Rule] = true
	for i := range x.Rules {
		t := &x.Rules[i]
		if t.Acts != "" {
			o.matched[t.Rule] = true
		}
		o.noteAll(t.Rule, "", t.Conditions)
		for _, entry := range t.Unless {
			o.noteAll(t.Rule, "unless ", entry)
		}
	}
}

func (o *observed) noteAll(rule, prefix string, conditions []pdp.ConditionTrace) {
	for _, c := range conditions {
		if c.Field == "layer" || c.Field == "uri" {
			continue // what explanations add, and nobody wrote
		}
		key := condition{rule, prefix + c.Field, c.Text}
		t := o.conditions[key]
		if t == nil {
			t = &truths{at: len(o.conditions)}
			o.conditions[key] = t
		}
		// An approve has both readings, and each is an outcome of its own.
		t.yes = t.yes || c.Truth == access.True
		t.no = t.no || c.Truth == access.False || c.Grants == access.False
	}
}

func (o *observed) coverage() *Coverage {
	out := &Coverage{Gaps: []Gap{}}
	for _, rule := range o.snapshot.Rules() {
		out.Rules++
		gap := Gap{Position: rule.Position, Rule: rule.ID}
		switch {
		case !o.matched[rule.ID]:
			gap.Never = "matched"
			out.Gaps = append(out.Gaps, gap)
		case !o.determined[rule.ID]:
			out.Matched++
			gap.Never = "determined"
			out.Gaps = append(out.Gaps, gap)
		default:
			out.Matched++
			out.Determined++
		}
		out.Gaps = append(out.Gaps, o.gaps(gap)...)
	}
	return out
}

// gaps returns the conditions of a rule that had one outcome only.
func (o *observed) gaps(rule Gap) []Gap {
	var keys []condition
	for key := range o.conditions {
		if key.rule == rule.Rule {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b condition) int { return cmp.Compare(o.conditions[a].at, o.conditions[b].at) })
	var out []Gap
	for _, key := range keys {
		gap := Gap{Position: rule.Position, Rule: rule.Rule, Field: key.field, Text: key.text}
		if t := o.conditions[key]; !t.yes {
			gap.Never = "true"
			out = append(out, gap)
		}
		if t := o.conditions[key]; !t.no {
			gap.Never = "false"
			out = append(out, gap)
		}
	}
	return out
}
