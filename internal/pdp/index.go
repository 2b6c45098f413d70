package pdp

import (
	"slices"

	"github.com/custos-zt/custos/access"
)

// index finds the rules whose patterns may cover a request: by kind and
// backend, then by exact name, prefix, suffix, or a short list of the rest.
type index struct {
	everything postings
	kinds      [4]kindScopes
	// globs are the scopes whose backend is a pattern other than `*`.
	globs []globScope
}

// kindScopes are the scopes of one kind. Methods have no backend and stand
// under any.
type kindScopes struct {
	any      *scope
	backends map[string]*scope
}

type globScope struct {
	kind    access.Kind
	backend Name
	scope   *scope
}

type scope struct {
	exact    map[string]*postings
	prefixes trie
	suffixes trie
	rest     []residual
}

// residual is a pattern that no tree holds.
type residual struct {
	name Name
	post postings
}

// buildIndexes gives every layer an index of its rules: a request meets those
// of the layers that have to do with its caller.
func (s *Snapshot) buildIndexes() {
	for i := range s.rules {
		r := &s.rules[i]
		c := s.crowdFor(r.info.Ops)
		for t := range r.targets {
			s.layers.all[r.layer].index.add(&r.targets[t], int32(i), c)
		}
	}
	for i := range s.layers.all {
		s.layers.all[i].index.split(s)
	}
}

// split divides the long lists.
func (x *index) split(s *Snapshot) {
	split := func(p *postings) { p.split(s) }
	split(&x.everything)
	for _, sc := range x.all() {
		for _, p := range sc.exact {
			split(p)
		}
		sc.prefixes.root.each(split)
		sc.suffixes.root.each(split)
		for i := range sc.rest {
			split(&sc.rest[i].post)
		}
	}
}

func (x *index) all() []*scope {
	var out []*scope
	for _, k := range x.kinds {
		if k.any != nil {
			out = append(out, k.any)
		}
		for _, sc := range k.backends {
			out = append(out, sc)
		}
	}
	for _, g := range x.globs {
		out = append(out, g.scope)
	}
	return out
}

func (x *index) add(t *Target, rule int32, c crowd) {
	if t.Everything {
		x.everything.add(rule, c)
		return
	}
	sc := x.scope(t)
	switch t.Name.shape {
	case shapeExact:
		p := sc.exact[t.Name.lit]
		if p == nil {
			p = &postings{}
			sc.exact[t.Name.lit] = p
		}
		p.add(rule, c)
	case shapeAll:
		sc.prefixes.at("").add(rule, c)
	case shapePrefix:
		lit := t.Name.lit
		if t.Name.sep != 0 && len(lit) > 0 && lit[len(lit)-1] == '/' {
			lit = lit[:len(lit)-1] // dir/** includes dir
		}
		sc.prefixes.at(lit).add(rule, c)
	case shapeSuffix:
		sc.suffixes.at(t.Name.lit).add(rule, c)
	default:
		sc.addRest(t.Name, rule, c)
	}
}

func (sc *scope) addRest(n Name, rule int32, c crowd) {
	for i := range sc.rest {
		if sc.rest[i].name == n {
			sc.rest[i].post.add(rule, c)
			return
		}
	}
	r := residual{name: n}
	r.post.add(rule, c)
	sc.rest = append(sc.rest, r)
}

// scope returns the scope of a target, made where there was none.
func (x *index) scope(t *Target) *scope {
	k := &x.kinds[t.Kind]
	switch {
	case t.Kind == access.Method || t.Backend.shape == shapeAll:
		if k.any == nil {
			k.any = newScope()
		}
		return k.any
	case t.Backend.Exact():
		if k.backends == nil {
			k.backends = map[string]*scope{}
		}
		sc := k.backends[t.Backend.Text]
		if sc == nil {
			sc = newScope()
			k.backends[t.Backend.Text] = sc
		}
		return sc
	}
	for _, g := range x.globs {
		if g.kind == t.Kind && g.backend == t.Backend {
			return g.scope
		}
	}
	sc := newScope()
	x.globs = append(x.globs, globScope{t.Kind, t.Backend, sc})
	return sc
}

func newScope() *scope {
	return &scope{exact: map[string]*postings{}, suffixes: trie{reversed: true}}
}

// find appends the rules that may cover the name, without order, and with
// repetitions where several patterns do.
func (x *index) find(out []int32, kind access.Kind, backend, name string, c *caller) []int32 {
	out = x.everything.find(out, c)
	k := &x.kinds[kind]
	if k.any != nil {
		out = k.any.find(out, name, c)
	}
	if kind == access.Method {
		return out
	}
	if sc := k.backends[backend]; sc != nil {
		out = sc.find(out, name, c)
	}
	for i := range x.globs {
		g := &x.globs[i]
		if g.kind == kind && g.backend.Matches(backend) {
			out = g.scope.find(out, name, c)
		}
	}
	return out
}

func (sc *scope) find(out []int32, name string, c *caller) []int32 {
	if p := sc.exact[name]; p != nil {
		out = p.find(out, c)
	}
	out = sc.prefixes.find(out, name, c)
	out = sc.suffixes.find(out, name, c)
	for i := range sc.rest {
		if sc.rest[i].name.Matches(name) {
			out = sc.rest[i].post.find(out, c)
		}
	}
	return out
}

// ordered sorts candidates into the order of the files, each once.
func ordered(c []int32) []int32 {
	if len(c) < 2 {
		return c
	}
	slices.Sort(c)
	return slices.Compact(c)
}
