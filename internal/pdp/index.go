package pdp

import (
	"slices"

	"github.com/custos-zt/custos/access"
)

// index finds the rules whose patterns may cover a request: by kind and
// backend, then by exact name, prefix, suffix, or a short list of the rest.
type index struct {
	everything postings
	scopes     map[scopeKey]*scope
	// globs are the scopes whose backend is a pattern other than `*`.
	globs []globScope
}

// scopeKey names one backend and kind; backend "*" is any. Methods have no
// backend.
type scopeKey struct {
	kind    access.Kind
	backend string
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

func (x *index) build(s *Snapshot) {
	x.scopes = map[scopeKey]*scope{}
	for i := range s.rules {
		for t := range s.rules[i].targets {
			x.add(&s.rules[i].targets[t], int32(i)) //nolint:gosec // a policy has far fewer rules than 2^31
		}
	}
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
	for _, sc := range x.scopes {
		out = append(out, sc)
	}
	for _, g := range x.globs {
		out = append(out, g.scope)
	}
	return out
}

func (x *index) add(t *Target, rule int32) {
	if t.Everything {
		x.everything.add(rule)
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
		p.add(rule)
	case shapeAll:
		sc.prefixes.at("").add(rule)
	case shapePrefix:
		lit := t.Name.lit
		if t.Name.sep != 0 && len(lit) > 0 && lit[len(lit)-1] == '/' {
			lit = lit[:len(lit)-1] // dir/** includes dir
		}
		sc.prefixes.at(lit).add(rule)
	case shapeSuffix:
		sc.suffixes.at(t.Name.lit).add(rule)
	default:
		sc.addRest(t.Name, rule)
	}
}

func (sc *scope) addRest(n Name, rule int32) {
	for i := range sc.rest {
		if sc.rest[i].name == n {
			sc.rest[i].post.add(rule)
			return
		}
	}
	r := residual{name: n}
	r.post.add(rule)
	sc.rest = append(sc.rest, r)
}

// scope returns the scope of a target, made where there was none.
func (x *index) scope(t *Target) *scope {
	key := scopeKey{kind: t.Kind}
	if t.Kind != access.Method {
		switch t.Backend.shape {
		case shapeExact, shapeAll:
			key.backend = t.Backend.Text
		default:
			for _, g := range x.globs {
				if g.kind == t.Kind && g.backend == t.Backend {
					return g.scope
				}
			}
			sc := newScope()
			x.globs = append(x.globs, globScope{t.Kind, t.Backend, sc})
			return sc
		}
	}
	sc := x.scopes[key]
	if sc == nil {
		sc = newScope()
		x.scopes[key] = sc
	}
	return sc
}

func newScope() *scope {
	return &scope{exact: map[string]*postings{}, suffixes: trie{reversed: true}}
}

// find appends the rules that may cover the name, without order, and with
// repetitions where several patterns do.
func (x *index) find(out []int32, kind access.Kind, backend, name string, who *access.Subject) []int32 {
	out = x.everything.find(out, who)
	if kind == access.Method {
		backend = ""
	} else if sc := x.scopes[scopeKey{kind, "*"}]; sc != nil {
		out = sc.find(out, name, who)
	}
	if sc := x.scopes[scopeKey{kind, backend}]; sc != nil {
		out = sc.find(out, name, who)
	}
	for i := range x.globs {
		g := &x.globs[i]
		if g.kind == kind && g.backend.Matches(backend) {
			out = g.scope.find(out, name, who)
		}
	}
	return out
}

func (sc *scope) find(out []int32, name string, who *access.Subject) []int32 {
	if p := sc.exact[name]; p != nil {
		out = p.find(out, who)
	}
	out = sc.prefixes.find(out, name, who)
	out = sc.suffixes.find(out, name, who)
	for i := range sc.rest {
		if sc.rest[i].name.Matches(name) {
			out = sc.rest[i].post.find(out, who)
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
