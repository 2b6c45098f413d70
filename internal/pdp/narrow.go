package pdp

import (
	"slices"
	"strings"

	"github.com/custos-zt/custos/access"
)

// What is still long when callers have been told apart is divided by a word
// that an argument must be, or by the directory that paths must lie in.
//
// A part that a call does not meet holds only rules that do nothing with it:
// one of their conditions is false, or, on a grant, not true. How near such a
// rule is to a grant is another question; what words a default denial looks at
// whole lists.

// divideByCall divides a list by what calls carry, if something divides it.
func (s *Snapshot) divideByCall(at int32, rules []int32) {
	words, places := s.wordsAsked(rules), s.placesAsked(rules)
	for _, w := range words {
		if w.rules < places {
			break
		}
		if s.divideByWord(at, rules, w.key) {
			return
		}
	}
	if places == 0 || !s.divideByPlace(at, rules) {
		for _, w := range words {
			if s.divideByWord(at, rules, w.key) {
				return
			}
		}
	}
}

// divisible reports whether a rule does nothing where one of its conditions on
// the call is false. Others hold a call for it, or count it.
func (r *rule) divisible() bool { return !r.is(isElseApprove) && !r.is(isRated) }

// asked says how many rules of a list ask for a word in an argument.
type asked struct {
	key   int32
	rules int
}

// wordsAsked lists the arguments by which a list could be divided, those that
// most rules name first.
func (s *Snapshot) wordsAsked(rules []int32) []asked {
	var out []asked
	for _, r := range rules {
		for _, a := range s.wordOps(&s.rules[r]) {
			i := slices.IndexFunc(out, func(o asked) bool { return o.key == a.key })
			if i < 0 {
				out, i = append(out, asked{key: a.key}), len(out)
			}
			out[i].rules++
		}
	}
	out = slices.DeleteFunc(out, func(o asked) bool { return 2*o.rules < len(rules) })
	slices.SortStableFunc(out, func(a, b asked) int { return b.rules - a.rules })
	return out
}

// wordOps returns the conditions of a rule that are false for every text but
// some.
func (s *Snapshot) wordOps(r *rule) []*arg {
	var out []*arg
	if !r.divisible() {
		return nil
	}
	for i := r.ops.from; i < r.ops.to; i++ {
		if s.ops[i].code != CodeArg {
			continue
		}
		a := &s.args[s.ops[i].ref]
		if a.text && a.count > 0 {
			out = append(out, a)
		}
	}
	return out
}

// divideByWord reports whether it divided the list into shorter ones.
func (s *Snapshot) divideByWord(at int32, rules []int32, name int32) bool {
	var rest []int32
	under, longest := map[key][]int32{}, 0
	for _, r := range rules {
		ops := s.wordOps(&s.rules[r])
		i := slices.IndexFunc(ops, func(a *arg) bool { return a.key == name })
		if i < 0 {
			rest = append(rest, r)
			continue
		}
		for _, w := range s.words[ops[i].words : ops[i].words+ops[i].count] {
			k := keyOf(s.names.add(w), keyWord)
			put(under, k, r)
			longest = max(longest, len(under[k]))
		}
	}
	if len(rest)+longest >= len(rules) {
		return false
	}
	s.divide(at, list{division: byWord, by: name}, rest, under, len(rules))
	return true
}

// gatherByWord looks at the word that the call carries. What is no text leaves
// conditions unknown: every part counts.
func (e *evaluation) gatherByWord(at int32, l *list) {
	v := e.argument(l.by)
	if v.kind != access.String {
		e.scan(span{l.from, l.to})
		return
	}
	e.narrowed = true
	e.gather(l.rest)
	if n := e.s.names.number(v.text); n != 0 {
		e.gatherPart(at, keyOf(n, keyWord))
	}
}

// placesAsked counts the rules that could be divided by directory, and is 0
// where they are too few.
func (s *Snapshot) placesAsked(rules []int32) int {
	n := 0
	for _, r := range rules {
		if s.directories(&s.rules[r]) != nil {
			n++
		}
	}
	if 2*n < len(rules) {
		return 0
	}
	return n
}

// directories returns what every path begins with that a rule on paths is
// about, with what that looks like folded; nil where there is no such thing.
func (s *Snapshot) directories(r *rule) []string {
	if !r.divisible() {
		return nil
	}
	for i := r.ops.from; i < r.ops.to; i++ {
		if s.ops[i].code != CodePlaces {
			continue
		}
		if p := s.places[s.ops[i].ref]; !p.None {
			if out := beginnings(p.Match); out != nil {
				return out
			}
		}
	}
	return nil
}

// beginnings returns the literal beginnings of patterns, nil where one of them
// has none.
func beginnings(patterns []PathPattern) []string {
	var out []string
	for i := range patterns {
		for _, text := range [...]string{patterns[i].Text, patterns[i].folded.Text} {
			head, _, _ := strings.Cut(text, "/**") // dir/** includes dir
			if m := strings.IndexAny(head, meta); m >= 0 {
				head = head[:m]
			}
			if head = strings.TrimRight(head, "/"); head == "" {
				return nil
			}
			out = append(out, head)
		}
	}
	return out
}

// divideByPlace reports whether it divided the list into shorter ones.
func (s *Snapshot) divideByPlace(at int32, rules []int32) bool {
	var rest []int32
	under, longest := map[key][]int32{}, 0
	tree := trie{}
	for _, r := range rules {
		heads := s.directories(&s.rules[r])
		if heads == nil {
			rest = append(rest, r)
			continue
		}
		for _, h := range heads {
			n := s.names.add(h)
			*tree.at(h) = n
			put(under, keyOf(n, keyWord), r)
			longest = max(longest, len(under[keyOf(n, keyWord)]))
		}
	}
	if len(rest)+longest >= len(rules) {
		return false
	}
	s.trees = append(s.trees, tree)
	s.divide(at, list{division: byPlace, by: int32(len(s.trees) - 1)}, rest, under, len(rules)) //nolint:gosec // a policy has far fewer lists than 2^31
	return true
}

// gatherByPlace looks at every path of the call in every form.
func (e *evaluation) gatherByPlace(at int32, l *list) {
	e.narrowed = true
	e.gather(l.rest)
	tree := &e.s.trees[l.by]
	for i := range e.r.Places {
		p := &e.r.Places[i]
		for _, forms := range [...][]string{p.Readings, p.Suspect, p.Folded} {
			for _, text := range forms {
				e.gatherUnder(at, tree, text)
			}
		}
	}
}

// gatherUnder adds the parts of all directories that a path begins with.
func (e *evaluation) gatherUnder(at int32, tree *trie, path string) {
	for n, from := &tree.root, 0; n != nil; n, from = n.step(path, from, false) {
		if n.value != 0 {
			e.gatherPart(at, keyOf(n.value, keyWord))
		}
	}
}
