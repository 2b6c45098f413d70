package pdp

import "strings"

// trie maps literals to numbers and finds all literals that a name begins
// with (or, reversed, ends in) in one walk over the name.
type trie struct {
	reversed bool
	root     node
}

type node struct {
	label string // what leads here from the parent, in reading order
	kids  []*node
	value int32 // 0 is none
	// first holds the first byte of each kid: no two are the same.
	first string
}

// at returns the place for the number of a literal. It moves when another
// literal is added.
func (t *trie) at(lit string) *int32 {
	if t.reversed {
		lit = reverse(lit)
	}
	n := &t.root
	for lit != "" {
		n = n.child(&lit)
	}
	return &n.value
}

// child returns the node below n towards lit, made or split where it must be,
// and cuts from lit what leads there.
func (n *node) child(lit *string) *node {
	for i, k := range n.kids {
		same := common(k.label, *lit)
		if same == 0 {
			continue
		}
		if same < len(k.label) {
			upper := &node{label: k.label[:same], kids: []*node{k}, first: k.label[same : same+1]}
			k.label = k.label[same:]
			n.kids[i], k = upper, upper
		}
		*lit = (*lit)[same:]
		return k
	}
	k := &node{label: *lit}
	n.kids = append(n.kids, k)
	n.first += (*lit)[:1]
	*lit = ""
	return k
}

func common(a, b string) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	return i
}

func reverse(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}

// find appends the numbers of all literals that name begins with.
func (t *trie) find(out []int32, name string) []int32 {
	for n, at := &t.root, 0; n != nil; n, at = n.step(name, at, t.reversed) {
		if n.value != 0 {
			out = append(out, n.value)
		}
	}
	return out
}

// step returns the child whose label continues name at this offset, and the
// offset behind it; nil where there is none.
func (n *node) step(name string, at int, reversed bool) (*node, int) {
	if len(n.kids) == 0 || at == len(name) {
		return nil, 0
	}
	next := name[at]
	if reversed {
		next = name[len(name)-1-at]
	}
	i := strings.IndexByte(n.first, next)
	if i < 0 {
		return nil, 0
	}
	k := n.kids[i]
	if reversed && hasReversed(name, at, k.label) || !reversed && strings.HasPrefix(name[at:], k.label) {
		return k, at + len(k.label)
	}
	return nil, 0
}

// hasReversed reports whether name, read backwards from offset at, begins with
// label.
func hasReversed(name string, at int, label string) bool {
	if len(name)-at < len(label) {
		return false
	}
	for i := range len(label) {
		if name[len(name)-1-at-i] != label[i] {
			return false
		}
	}
	return true
}
