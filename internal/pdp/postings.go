package pdp

// divideAbove is the length from which a list is divided. Without it, many
// rules on one tool would be a linear scan.
const divideAbove = 16

// posting is one rule of a list. crowd tells, without looking at the rule,
// whom it cannot mean: zero is anyone, else a bit for each key that it names.
// The condition itself decides.
type posting struct {
	rule  int32
	crowd crowd
}

// list holds the rules under one pattern, in the order of the files, as a span
// of [Snapshot].postings. A long one is divided: what a caller or a call meets
// of it is rest, which the division says nothing of, and the parts under its
// own keys. Lists are numbered from 1; 0 is the empty one.
type list struct {
	from, to int32
	rest     int32
	by       int32 // of byWord the argument, of byPlace the tree
	division division
}

// division says what a list is divided by.
type division uint8

const (
	undivided division = iota
	byCaller           // a name of the caller
	byWord             // an argument that must be one of some words
	byPlace            // directories that paths must lie in
)

// part names a part of a divided list.
type part struct {
	list int32
	key  key
}

// found are the rules that a request may meet.
type found struct {
	n    int
	few  [candidateRoom]int32
	many []int32 // where few has no room
}

func (f *found) add(rule int32) {
	if n := f.n; uint(n) < uint(len(f.few)) {
		f.few[n] = rule
		f.n = n + 1
		return
	}
	f.spill(rule)
}

func (f *found) spill(rule int32) {
	if f.many == nil {
		f.many = append(make([]int32, 0, 4*candidateRoom), f.few[:]...)
	}
	f.many = append(f.many, rule)
}

// ordered returns the rules in the order of the files, each once.
func (f *found) ordered() []int32 {
	if f.many != nil {
		return ordered(f.many)
	}
	return ordered(f.few[:f.n])
}

// gather adds the rules of a list that this caller may meet with this call,
// without order, and with repetitions where several keys lead to a rule.
func (e *evaluation) gather(at int32) {
	l := &e.s.lists[at]
	switch {
	case e.everyRule || l.division == undivided:
		e.scan(span{l.from, l.to})
	case l.division == byCaller:
		e.gather(l.rest)
		for _, k := range e.who.keys() {
			e.gatherPart(at, k)
		}
	case e.r.ArgsUnknown || e.anyCall:
		e.scan(span{l.from, l.to})
	case l.division == byWord:
		e.gatherByWord(at, l)
	default:
		e.gatherByPlace(at, l)
	}
}

// scan adds what the caller may meet of some postings.
func (e *evaluation) scan(sp span) {
	all := e.s.postings[sp.from:sp.to]
	for i := range all {
		if c := all[i].crowd; c == 0 || c&e.who.crowd != 0 || e.everyRule {
			e.found.add(all[i].rule)
		}
	}
}

func (e *evaluation) gatherPart(at int32, k key) {
	if n := e.s.parts.find(part{at, k}); n != 0 {
		e.gather(n)
	}
}

// parts finds lists by what they are a part of, like a [table].
type parts struct {
	slots []partSlot
	n     int
}

type partSlot struct {
	part
	at int32
}

func (p part) hash() uint64 {
	return mixed(uint64(uint32(p.list)), uint64(uint32(p.key))) //nolint:gosec // numbers from 0
}

func (t *parts) find(p part) int32 {
	if len(t.slots) == 0 {
		return 0
	}
	mask := uint64(len(t.slots) - 1) //nolint:gosec // a length
	for i := p.hash() & mask; ; i = (i + 1) & mask {
		if s := &t.slots[i]; s.at == 0 || s.part == p {
			return s.at
		}
	}
}

// put files a part, which MUST be new.
func (t *parts) put(p part, at int32) {
	t.n++
	if 2*t.n > len(t.slots) {
		old := t.slots
		t.slots = make([]partSlot, max(8, 2*len(old)))
		for _, s := range old {
			if s.at != 0 {
				t.take(s)
			}
		}
	}
	t.take(partSlot{p, at})
}

func (t *parts) take(s partSlot) {
	mask := uint64(len(t.slots) - 1) //nolint:gosec // a length
	i := s.hash() & mask
	for t.slots[i].at != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = s
}
