package pdp

import (
	"hash/maphash"
	"slices"
	"strings"

	"github.com/custos-zt/custos/access"
)

// splitAbove is the length from which a posting list is divided by who its
// rules name. Without it, many rules on one tool would be a linear scan.
const splitAbove = 16

// postings is a list of rules, divided by role and subject where it is long.
type postings struct {
	all   []posting
	parts *parts
}

// posting is one rule of a list. crowd tells, without looking at the rule,
// whom it cannot mean: zero is anyone, else one bit for each role, or else
// each subject, that it names. Two names may share a bit; the condition itself
// decides.
type posting struct {
	rule  int32
	crowd crowd
}

type crowd uint64

// parts divides a list: a rule stands under every role, else every subject,
// it names, else in anyone.
type parts struct {
	anyone []int32
	byName map[string][]int32
}

// caller is what posting lists select by.
type caller struct {
	subject *access.Subject
	crowd   crowd
}

// caller reads who asks. Where nobody proved it, every condition on it is
// unknown, and unknown restricts: any rule may be met.
func (s *Snapshot) caller(who *access.Subject) caller {
	c := caller{subject: who, crowd: s.crowdOf(who.ID)}
	if !who.Known {
		c.crowd = ^crowd(0)
		return c
	}
	for _, role := range who.Roles {
		c.crowd |= s.crowdOf(role)
	}
	if _, rest, ok := strings.Cut(who.ID, ":"); ok {
		c.crowd |= s.crowdOf(rest)
	}
	return c
}

func (s *Snapshot) crowdOf(name string) crowd {
	return 1 << (maphash.String(s.seed, name) % 64)
}

func (p *postings) add(rule int32, c crowd) {
	if n := len(p.all); n == 0 || p.all[n-1].rule != rule {
		p.all = append(p.all, posting{rule, c})
	}
}

// crowdFor returns whom a rule may mean.
func (s *Snapshot) crowdFor(ops []Op) crowd {
	var c crowd
	for _, n := range named(ops) {
		c |= s.crowdOf(n)
	}
	return c
}

func (p *postings) split(s *Snapshot) {
	if len(p.all) <= splitAbove {
		return
	}
	d := &parts{byName: map[string][]int32{}}
	for _, e := range p.all {
		names := named(s.rules[e.rule].info.Ops)
		if names == nil {
			d.anyone = append(d.anyone, e.rule)
		}
		for _, n := range names {
			if list := d.byName[n]; len(list) == 0 || list[len(list)-1] != e.rule {
				d.byName[n] = append(list, e.rule)
			}
		}
	}
	if len(d.anyone) < len(p.all) {
		p.parts = d
	}
}

// named returns the roles a rule asks for, else the subjects, without their
// issuers: the condition itself looks at those. Nil is anyone.
func named(ops []Op) []string {
	for _, code := range [...]Code{CodeRoles, CodeSubjects} {
		for i := range ops {
			plain := !slices.ContainsFunc(ops[i].Names, func(n string) bool { return strings.HasSuffix(n, "*") })
			if ops[i].Code != code || !plain {
				continue
			}
			out := make([]string, len(ops[i].Names))
			for k, n := range ops[i].Names {
				out[k] = n[strings.IndexByte(n, ':')+1:]
			}
			return out
		}
	}
	return nil
}

// find appends the rules of the list that this caller may meet.
func (p *postings) find(out []int32, c *caller) []int32 {
	if p.parts == nil || !c.subject.Known {
		for i := range p.all {
			if e := &p.all[i]; e.crowd == 0 || e.crowd&c.crowd != 0 {
				out = append(out, e.rule)
			}
		}
		return out
	}
	out = append(out, p.parts.anyone...)
	for _, role := range c.subject.Roles {
		out = append(out, p.parts.byName[role]...)
	}
	out = append(out, p.parts.byName[c.subject.ID]...)
	if _, rest, ok := strings.Cut(c.subject.ID, ":"); ok {
		out = append(out, p.parts.byName[rest]...)
	}
	return out
}
