package pdp

import "slices"

// Long lists are divided when a policy is compiled: by who their rules name,
// and what is still long by what they ask of the call, see narrow.go.

// listOf makes a list of rules, which stand in the order of the files, and
// divides it where it is long.
func (s *Snapshot) listOf(rules []int32) int32 {
	if len(rules) == 0 {
		return 0
	}
	at := s.undividedList(rules)
	if len(rules) > divideAbove {
		s.divideByCaller(at, rules)
	}
	return at
}

func (s *Snapshot) undividedList(rules []int32) int32 {
	all := s.post(rules)
	s.lists = append(s.lists, list{from: all.from, to: all.to})
	return int32(len(s.lists) - 1) //nolint:gosec // a policy has far fewer rules than 2^31
}

// post appends the postings of rules.
func (s *Snapshot) post(rules []int32) span {
	from := len(s.postings)
	for _, r := range rules {
		s.postings = append(s.postings, posting{r, s.crowds[r]})
	}
	return span{int32(from), int32(len(s.postings))} //nolint:gosec // as above
}

// divideByCaller puts each rule under the keys that it names.
func (s *Snapshot) divideByCaller(at int32, rules []int32) {
	var rest []int32
	under := map[key][]int32{}
	for _, r := range rules {
		keys := s.keysOf(&s.rules[r])
		if keys == nil {
			rest = append(rest, r)
		}
		for _, k := range keys {
			put(under, k, r)
		}
	}
	if len(under) == 0 {
		s.divideByCall(at, rules)
		return
	}
	s.divide(at, list{division: byCaller}, rest, under, len(rules))
}

// divide makes the parts of a list. All of them are made before one is divided
// further, so that a short list and its parts stand together.
func (s *Snapshot) divide(at int32, how list, rest []int32, under map[key][]int32, whole int) {
	l := &s.lists[at]
	l.division, l.by = how.division, how.by
	further := func(rules []int32) int32 {
		if len(rules) == 0 {
			return 0
		}
		n := s.undividedList(rules)
		if len(rules) > divideAbove && (how.division == byCaller || len(rules) < whole) {
			s.divideByCall(n, rules)
		}
		return n
	}
	n := further(rest)
	s.lists[at].rest = n
	keys := make([]key, 0, len(under))
	for k := range under {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		s.parts.put(part{at, k}, further(under[k]))
	}
}

// put adds a rule to the list under a key, once.
func put[K comparable](under map[K][]int32, k K, rule int32) {
	if l := under[k]; len(l) == 0 || l[len(l)-1] != rule {
		under[k] = append(l, rule)
	}
}

// keysOf returns the names that a rule asks of its caller, if it lists them: of
// its conditions the first that does. Nil is anyone. A caller who is not known
// meets the rule under stranger or unproven.
func (s *Snapshot) keysOf(r *rule) []key {
	for i := r.ops.from; i < r.ops.to; i++ {
		op := &s.ops[i]
		switch op.code {
		case CodeSubjects, CodeGroups, CodeRoles:
			if keys := s.namesOf(op); keys != nil {
				return append(keys, stranger)
			}
		case CodeAgents:
			if keys := s.agentsOf(op); keys != nil {
				return append(keys, unproven)
			}
		default:
		}
	}
	return nil
}

func (s *Snapshot) namesOf(op *op) []key {
	if op.mask == oneName {
		return []key{key(op.ref)}
	}
	who := operandsOf(s.principals, op)
	if slices.ContainsFunc(who, func(p principal) bool { return p.prefix }) {
		return nil
	}
	keys := make([]key, len(who), len(who)+1)
	for i := range who {
		keys[i] = keyOf(who[i].name, kindOf(op.code))
	}
	return keys
}

func (s *Snapshot) agentsOf(op *op) []key {
	globs := operandsOf(s.globs, op)
	if slices.ContainsFunc(globs, func(p PathPattern) bool { return p.shape != pathExact }) {
		return nil
	}
	s.asked |= 1 << keyAgent
	keys := make([]key, len(globs), len(globs)+1)
	for i := range globs {
		keys[i] = keyOf(s.names.add(globs[i].lit), keyAgent)
	}
	return keys
}
