package pdp

import (
	"slices"
	"strings"

	"github.com/custos-zt/custos/access"
)

// splitAbove is the length from which a posting list is divided by who its
// rules name. Without it, many rules on one tool would be a linear scan.
const splitAbove = 16

// postings is a list of rules, divided by role and subject where it is long.
type postings struct {
	all   []int32
	parts *parts
}

// parts divides a list: a rule stands under every role, else every subject,
// it names, else in anyone.
type parts struct {
	anyone    []int32
	byRole    map[string][]int32
	bySubject map[string][]int32
}

func (p *postings) add(rule int32) {
	if n := len(p.all); n == 0 || p.all[n-1] != rule {
		p.all = append(p.all, rule)
	}
}

func (p *postings) split(s *Snapshot) {
	if len(p.all) <= splitAbove {
		return
	}
	d := &parts{byRole: map[string][]int32{}, bySubject: map[string][]int32{}}
	for _, i := range p.all {
		ops := s.ops[s.rules[i].ops.from:s.rules[i].ops.to]
		switch names, code := named(ops); code {
		case CodeRoles:
			spread(d.byRole, names, i)
		case CodeSubjects:
			spread(d.bySubject, names, i)
		default:
			d.anyone = append(d.anyone, i)
		}
	}
	if len(d.anyone) < len(p.all) {
		p.parts = d
	}
}

// named returns the roles a rule asks for, else the subjects.
func named(ops []Op) ([]string, Code) {
	for _, code := range [...]Code{CodeRoles, CodeSubjects} {
		for i := range ops {
			plain := !slices.ContainsFunc(ops[i].Names, func(n string) bool { return strings.Contains(n, "*") })
			if ops[i].Code == code && plain {
				return ops[i].Names, code
			}
		}
	}
	return nil, 0
}

// spread files a rule under each name, without its issuer: the condition
// itself looks at that.
func spread(m map[string][]int32, names []string, rule int32) {
	for _, n := range names {
		n = n[strings.IndexByte(n, ':')+1:]
		if list := m[n]; len(list) == 0 || list[len(list)-1] != rule {
			m[n] = append(list, rule)
		}
	}
}

// find appends the rules of the list that this caller may meet. Where nobody
// proved who calls, every condition on it is unknown, and unknown restricts:
// all of them.
func (p *postings) find(out []int32, who *access.Subject) []int32 {
	if p.parts == nil || !who.Known {
		return append(out, p.all...)
	}
	out = append(out, p.parts.anyone...)
	if len(p.parts.byRole) > 0 {
		for _, role := range who.Roles {
			out = append(out, p.parts.byRole[role]...)
		}
	}
	if len(p.parts.bySubject) > 0 {
		out = append(out, p.parts.bySubject[who.ID]...)
		if _, rest, ok := strings.Cut(who.ID, ":"); ok {
			out = append(out, p.parts.bySubject[rest]...)
		}
	}
	return out
}
