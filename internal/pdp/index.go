package pdp

import (
	"slices"

	"github.com/custos-zt/custos/access"
)

// index finds the lists of the rules whose patterns may cover a request: by
// kind and backend, then by exact name, prefix, suffix, or a short row of the
// rest. Which other patterns cover an exact name is worked out beforehand.
type index struct {
	everything int32
	kinds      [4]kindScopes
	// globs are the scopes whose backend is a pattern other than `*`.
	globs []globScope
	// rows holds the lists that cover exact names beside their own, where their
	// rules are many.
	rows []int32
}

// kindScopes are the scopes of one kind. Methods have no backend and stand
// under any.
type kindScopes struct {
	any      *scope
	backends table[*scope]
}

// scope returns the scope of a backend, nil where the policy does not name it.
// Most policies are about one.
func (k *kindScopes) scope(backend string) *scope {
	if only := k.backends.entries; len(only) == 1 && only[0].text == backend {
		return only[0].value
	}
	if sc := k.backends.find(backend); sc != nil {
		return *sc
	}
	return nil
}

type globScope struct {
	kind    access.Kind
	backend Name
	scope   *scope
}

type scope struct {
	exact    table[exact]
	prefixes trie
	suffixes trie
	rest     []residual
}

// exact is what is known about an exact name. Where few rules cover it, these
// are their postings; else the row of the lists that do beside its own, or noRow.
type exact struct {
	few  span
	list int32
	row  span
}

// noRow says that what else covers a name has to be looked for.
const noRow int32 = -1

// residual is a pattern that no tree holds.
type residual struct {
	name Name
	list int32
}

// listRoom is how many patterns may cover a name before a decision allocates.
const listRoom = 32

// find adds the rules that may cover the name, without order, and with
// repetitions where several patterns do.
func (x *index) find(e *evaluation, name string) {
	k := &x.kinds[e.r.Kind]
	sc := k.any
	if e.r.Kind != access.Method {
		sc = k.scope(e.r.Backend)
	}
	if sc != nil {
		own := sc.exact.find(name)
		switch {
		case own == nil || own.row.from == noRow:
		case own.few.from < own.few.to:
			e.scan(own.few)
			return
		default:
			e.gather(own.list)
			for _, l := range x.rows[own.row.from:own.row.to] {
				e.gather(l)
			}
			return
		}
	}
	var room [listRoom]int32
	for _, l := range x.lists(room[:0], e.r.Kind, e.r.Backend, name) {
		e.gather(l)
	}
}

// lists appends the lists of all patterns that may cover a name.
func (x *index) lists(out []int32, kind access.Kind, backend, name string) []int32 {
	if x.everything != 0 {
		out = append(out, x.everything)
	}
	k := &x.kinds[kind]
	if k.any != nil {
		out = k.any.lists(out, name)
	}
	if kind == access.Method {
		return out
	}
	if sc := k.scope(backend); sc != nil {
		out = sc.lists(out, name)
	}
	for i := range x.globs {
		g := &x.globs[i]
		if g.kind == kind && g.backend.Matches(backend) {
			out = g.scope.lists(out, name)
		}
	}
	return out
}

func (sc *scope) lists(out []int32, name string) []int32 {
	if x := sc.exact.find(name); x != nil {
		out = append(out, x.list)
	}
	out = sc.prefixes.find(out, name)
	out = sc.suffixes.find(out, name)
	for i := range sc.rest {
		if sc.rest[i].name.Matches(name) {
			out = append(out, sc.rest[i].list)
		}
	}
	return out
}

// few is a length up to which inserting is the fastest way to sort.
const few = 12

// ordered sorts candidates into the order of the files, each once.
func ordered(c []int32) []int32 {
	n := 1
	for n < len(c) && c[n-1] < c[n] {
		n++
	}
	switch {
	case n >= len(c):
		return c // lists are in order, and most calls meet one
	case len(c) > few:
		slices.Sort(c)
		return slices.Compact(c)
	}
	n = 0
	for _, r := range c {
		i := n
		for i > 0 && c[i-1] > r {
			i--
		}
		if i > 0 && c[i-1] == r {
			continue
		}
		copy(c[i+1:n+1], c[i:n])
		c[i] = r
		n++
	}
	return c[:n]
}
