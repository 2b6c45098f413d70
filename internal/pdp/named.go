package pdp

import (
	"slices"

	"github.com/custos-zt/custos/access"
)

// nameArgs notes which arguments the conditions of a program name. It reads the
// program before its conditions are packed away.
func (s *Snapshot) nameArgs(p *Program) {
	note := func(ops []Op) {
		for i := range ops {
			if a := ops[i].Arg; a != nil {
				s.nameArg(a.Path)
			}
		}
	}
	for i := range p.Rules {
		note(p.Rules[i].Ops)
		for _, entry := range p.Rules[i].Unless {
			note(entry)
		}
	}
}

func (s *Snapshot) nameArg(p ArgPath) {
	if s.named == nil {
		s.named = map[string][]ArgPath{}
	}
	first := p.steps[0].key
	same := func(have ArgPath) bool { return have.Text == p.Text }
	if !slices.ContainsFunc(s.named[first], same) {
		s.named[first] = append(s.named[first], p)
	}
}

// maxNamed bounds what one call yields: a list may be as long as a message.
const maxNamed = 64

// Named returns the values of those arguments that some rule names in a
// condition, in the order of args. Rules about other tools count too, so that
// the answer costs one look-up an argument. It allocates nothing where no rule
// names one.
func (s *Snapshot) Named(args access.Value) []access.NamedArg {
	if len(s.named) == 0 || args.Kind() != access.Object {
		return nil
	}
	var out []access.NamedArg
	for _, m := range args.Members() {
		for i := range s.named[m.Key] {
			p := &s.named[m.Key][i]
			out = p.follow(p.steps[1:], m.Value, out)
		}
	}
	return out
}

// follow appends what the rest of a path leads to.
func (p *ArgPath) follow(rest []step, v access.Value, out []access.NamedArg) []access.NamedArg {
	for i, st := range rest {
		if !st.each {
			v = v.Get(st.key)
			continue
		}
		if v.Kind() != access.Array {
			return out
		}
		for _, item := range v.Members() {
			if len(out) >= maxNamed {
				break
			}
			out = p.follow(rest[i+1:], item.Value, out)
		}
		return out
	}
	if v.IsAbsent() || len(out) >= maxNamed {
		return out
	}
	return append(out, access.NamedArg{Path: p.Text, Value: v})
}
