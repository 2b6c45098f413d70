package pdp

import (
	"encoding/binary"
	"slices"

	"github.com/custos-zt/custos/access"
)

// indexer builds the indexes of all layers: a request meets the rules of those
// that have to do with its caller. It collects lists under their numbers, which
// become lists of the snapshot when every rule stands in its own.
type indexer struct {
	s     *Snapshot
	lists [][]int32
}

func (s *Snapshot) buildIndexes() {
	b := indexer{s: s, lists: make([][]int32, 1, len(s.rules)+1)}
	for i := range s.rules {
		x := &s.layers.all[s.rules[i].layer].index
		for t := range s.targets[i] {
			b.add(x, &s.targets[i][t], int32(i))
		}
	}
	s.crowds = make([]crowd, len(s.rules))
	for i := range s.rules {
		for _, k := range s.keysOf(&s.rules[i]) {
			s.crowds[i] |= k.crowd()
		}
	}
	// The lists of patterns have the numbers that they were collected under;
	// parts come behind them.
	s.lists = make([]list, 1, len(b.lists))
	for _, rules := range b.lists[1:] {
		s.undividedList(rules)
	}
	for at, rules := range b.lists {
		if len(rules) > divideAbove {
			s.divideByCaller(int32(at), rules)
		}
	}
	for i := range s.layers.all {
		s.layers.all[i].index.resolve(s)
	}
	s.crowds = nil
}

// add puts a rule on the list of one of its patterns.
func (b *indexer) add(x *index, t *Target, rule int32) {
	at := x.place(t)
	if *at == 0 {
		*at = int32(len(b.lists)) //nolint:gosec // a policy has far fewer patterns than 2^31
		b.lists = append(b.lists, nil)
	}
	if l := b.lists[*at]; len(l) == 0 || l[len(l)-1] != rule {
		b.lists[*at] = append(l, rule)
	}
}

// place returns where the list of a pattern is noted.
func (x *index) place(t *Target) *int32 {
	if t.Everything {
		return &x.everything
	}
	sc := x.scope(t)
	switch t.Name.shape {
	case shapeExact:
		return &sc.exact.place(t.Name.lit).list
	case shapeAll:
		return sc.prefixes.at("")
	case shapePrefix:
		lit := t.Name.lit
		if t.Name.sep != 0 && len(lit) > 0 && lit[len(lit)-1] == '/' {
			lit = lit[:len(lit)-1] // dir/** includes dir
		}
		return sc.prefixes.at(lit)
	case shapeSuffix:
		return sc.suffixes.at(t.Name.lit)
	default:
		return sc.residual(t.Name)
	}
}

func (sc *scope) residual(n Name) *int32 {
	for i := range sc.rest {
		if sc.rest[i].name == n {
			return &sc.rest[i].list
		}
	}
	sc.rest = append(sc.rest, residual{name: n})
	return &sc.rest[len(sc.rest)-1].list
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
		sc := k.backends.place(t.Backend.Text)
		if *sc == nil {
			*sc = newScope()
		}
		return *sc
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

func newScope() *scope { return &scope{suffixes: trie{reversed: true}} }

// resolve works out which rules cover each exact name: all of them together if
// they are few, else their lists, which names that the same patterns cover share.
func (x *index) resolve(s *Snapshot) {
	for kind := range x.kinds {
		k := &x.kinds[kind]
		r := rowing{index: x, s: s, kind: access.Kind(kind), room: 8*len(s.rules) + 64, known: map[string]span{}}
		if r.kind == access.Method && k.any != nil {
			r.resolve(k.any, "")
		}
		for _, b := range k.backends.entries {
			r.resolve(b.value, b.text)
		}
	}
}

// rowing finds the rows of one kind. They have a bound: many patterns over
// many names would make more of them than there are rules.
type rowing struct {
	*index
	s      *Snapshot
	kind   access.Kind
	room   int
	known  map[string]span
	ids    []int32
	id     []byte
	merged []int32
}

func (r *rowing) resolve(sc *scope, backend string) {
	for i := range sc.exact.entries {
		name, x := sc.exact.entries[i].text, &sc.exact.entries[i].value
		r.ids = r.lists(r.ids[:0], r.kind, backend, name)
		if !r.merge(x) {
			r.ids = slices.DeleteFunc(r.ids, func(l int32) bool { return l == x.list })
			x.row = r.row()
		}
	}
}

// merge puts the rules of all lists that cover a name together, if they are few.
func (r *rowing) merge(x *exact) bool {
	r.merged = r.merged[:0]
	for _, at := range r.ids {
		l := &r.s.lists[at]
		if len(r.merged)+int(l.to-l.from) > divideAbove {
			return false
		}
		for _, p := range r.s.postings[l.from:l.to] {
			r.merged = append(r.merged, p.rule)
		}
	}
	if len(r.ids) == 1 {
		l := &r.s.lists[x.list]
		x.few = span{l.from, l.to}
		return true
	}
	slices.Sort(r.merged)
	x.few = r.s.post(slices.Compact(r.merged))
	return true
}

// row files the lists that were found for a name.
func (r *rowing) row() span {
	r.id = r.id[:0]
	for _, l := range r.ids {
		r.id = binary.NativeEndian.AppendUint32(r.id, uint32(l)) //nolint:gosec // only compared
	}
	row, ok := r.known[string(r.id)]
	switch from := len(r.rows); {
	case ok:
	case from+len(r.ids) > r.room:
		row.from = noRow
	default:
		row = span{int32(from), int32(from + len(r.ids))} //nolint:gosec // within the room
		r.rows = append(r.rows, r.ids...)
		r.known[string(r.id)] = row
	}
	return row
}
