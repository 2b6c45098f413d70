package proof

import (
	"fmt"
	"slices"
	"strings"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/pdp"
	"github.com/custos-zt/custos/policy"
)

// Reach says which rules could grant a tool to a caller, and what is left open.
type Reach struct {
	ID string `json:"id"` // backend.tool, or a pattern that stands for any other tool
	// Possible is what is shown in lists: some rule may grant, and none denies
	// for certain.
	Possible bool    `json:"possible"`
	Grants   []Claim `json:"grants"`
	// Restricts are the rules that deny or hold, for certain where nothing is
	// open.
	Restricts []Claim `json:"restricts"`
}

// Claim is what one rule does, if what it leaves open turns out so.
type Claim struct {
	Rule     string        `json:"rule"`
	Effect   access.Effect `json:"effect"`
	Position string        `json:"position"`
	// Open are the conditions that are not decided yet, as written.
	Open []string `json:"open"`
}

// Caller is who may be asked about. The zero Caller is anybody: every condition
// on who calls stays open.
type Caller struct {
	Subject access.Subject
	Agent   string
}

// ParseSubject reads ISSUER:ID, or ID alone. It is a known caller: one who is
// in no group and no role that the caller of this function does not add.
func ParseSubject(s string) access.Subject {
	issuer, id, ok := strings.Cut(s, ":")
	if !ok {
		issuer, id = "", s
	}
	return access.Subject{ID: id, Issuer: issuer, Known: true}
}

// WhoCan says what anybody needs to use a tool, written BACKEND.TOOL or, where
// the policy has a backend of its own, TOOL.
func (b *Bench) WhoCan(tool string) (*Reach, []policy.Problem, error) {
	d, snapshot, problems := b.decider(b.Sources)
	if d == nil {
		return nil, problems, nil
	}
	backend, name, ok := strings.Cut(tool, ".")
	if !ok {
		backend, name = snapshot.Backend(), tool
	}
	if backend == "" || name == "" || strings.Contains(tool, "*") {
		return nil, problems, fmt.Errorf("%q is not BACKEND.TOOL", tool)
	}
	r := d.reach(Caller{}, pattern{kind: access.Tool, backend: backend, name: name})
	return &r, problems, nil
}

// Can says what a caller may come to use: every tool that the policy names, that
// it declares, or that a known server has, and every pattern for the rest.
func (b *Bench) Can(c Caller) ([]Reach, []policy.Problem) {
	d, snapshot, problems := b.decider(b.Sources)
	if d == nil {
		return nil, problems
	}
	out := []Reach{}
	for _, p := range d.tools(snapshot) {
		if r := d.reach(c, p); len(r.Grants) > 0 {
			out = append(out, r)
		}
	}
	return out, problems
}

// tools lists the tools that a policy is about, in the order of its rules.
func (d *Decider) tools(s *pdp.Snapshot) []pattern {
	var out []pattern
	add := func(p pattern) {
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	for _, rule := range s.Rules() {
		if rule.Effect == access.Deny {
			continue
		}
		for _, full := range rule.Patterns {
			p := parsePattern(full)
			if p.kind != access.Tool || p.everything {
				continue
			}
			_, known := s.Declared(p.backend, "")
			if entry := d.registry.Entry(known); entry != nil {
				for _, name := range entry.Tools() {
					if p.matches(p.backend, name) {
						add(pattern{kind: access.Tool, backend: p.backend, name: name})
					}
				}
			}
			add(p)
		}
	}
	return out
}

// reach explains a tool with everything unknown that is not given.
func (d *Decider) reach(c Caller, p pattern) Reach {
	r := &access.Request{
		Kind: access.Tool, Method: "tools/call", Facts: map[string]access.Fact{},
		Backend: strings.ReplaceAll(p.backend, "*", "any"), Name: strings.ReplaceAll(p.name, "*", "any"),
		Subject: c.Subject, Agent: c.Agent,
	}
	r.Args, _ = canon.FromGo(map[string]any{}) // an empty object is one
	snapshot := d.Complete(r, nil)
	r.ArgsUnknown = true
	out := Reach{ID: p.backend + "." + p.name, Possible: snapshot.Visible(r), Grants: []Claim{}, Restricts: []Claim{}}
	x := snapshot.Explain(r)
	for i := range x.Rules {
		t := &x.Rules[i]
		if t.Monitor {
			continue
		}
		info, _ := snapshot.Rule(t.Rule)
		if claim, ok := granted(t); ok && t.Effect != access.Deny && !info.NoGrant {
			out.Grants = append(out.Grants, claim)
			continue
		}
		if claim, ok := restricted(t); ok && t.Effect != access.Allow && t.Effect != access.Delegate {
			out.Restricts = append(out.Restricts, claim)
		}
	}
	return out
}

// granted reads a rule as one that grants: it can unless a condition is false.
func granted(t *pdp.RuleTrace) (Claim, bool) {
	c := claim(t)
	for _, cond := range t.Conditions {
		switch cond.Grants {
		case access.False:
			return c, false
		case access.Unknown:
			c.Open = append(c.Open, cond.Field+" "+cond.Text)
		case access.True:
		}
	}
	return c, c.excepted(t)
}

// restricted reads a rule as one that restricts.
func restricted(t *pdp.RuleTrace) (Claim, bool) {
	c := claim(t)
	if t.Acts == "" {
		return c, false
	}
	for _, cond := range t.Conditions {
		if cond.Truth == access.Unknown {
			c.Open = append(c.Open, cond.Field+" "+cond.Text)
		}
	}
	return c, c.excepted(t)
}

func claim(t *pdp.RuleTrace) Claim {
	return Claim{Rule: t.Rule, Effect: t.Effect, Position: t.Position, Open: []string{}}
}

// excepted adds the exceptions that may still hold. It reports false where one
// holds for certain, and the rule never acts.
func (c *Claim) excepted(t *pdp.RuleTrace) bool {
	for _, entry := range t.Unless {
		var words []string
		holds := access.True
		for _, cond := range entry {
			switch {
			case cond.Truth == access.False:
				holds = access.False
			case cond.Truth == access.Unknown && holds == access.True:
				holds = access.Unknown
			}
			words = append(words, cond.Field+" "+cond.Text)
		}
		switch holds {
		case access.True:
			return false
		case access.Unknown:
			c.Open = append(c.Open, "unless "+strings.Join(words, " and "))
		case access.False:
		}
	}
	return true
}
