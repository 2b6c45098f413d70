package policy

import (
	"maps"
	"regexp"
	"slices"
	"sync"

	"go.yaml.in/yaml/v3"
)

// definition is a list under `define:`.
type definition struct {
	key, node *yaml.Node
	used      bool
}

var definable = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,63}$`) })

// maxExpanded bounds the entries that one list may grow to by its names.
const maxExpanded = 500_000

// definitions reads `define:`.
func (r *reader) definitions(n *yaml.Node) {
	for _, f := range r.fields(n, "define") {
		if !definable().MatchString(f.name) {
			r.err(f.key, "", "%s is not a name: use letters, digits, _ and -", show(f.name))
			continue
		}
		if f.node.Kind == yaml.SequenceNode && len(f.node.Content) == 0 {
			r.err(f.node, "leave the key out", "define.%s is an empty list, which nothing can match", f.name)
		}
		r.define[f.name] = &definition{key: f.key, node: f.node}
	}
}

// named returns the list that $name stands for.
func (r *reader) named(n *yaml.Node, what string, used []string) []word {
	name := n.Value[1:]
	d := r.define[name]
	switch {
	case d == nil:
		r.err(n, suggest(name, slices.Sorted(maps.Keys(r.define))), "%s is not defined", show(n.Value))
		return nil
	case slices.Contains(used, name):
		r.err(n, "", "%s is defined by itself", show(n.Value))
		return nil
	}
	d.used = true
	r.expanded++
	if r.expanded > maxExpanded {
		if r.expanded == maxExpanded+1 {
			r.err(n, "", "the names under define are used more than %d times", maxExpanded)
		}
		return nil
	}
	return r.expand(d.node, what, append(slices.Clip(used), name))
}

// unusedDefinitions warns about lists that no rule uses.
func (r *reader) unusedDefinitions() {
	for name, d := range r.define {
		if !d.used {
			r.warn(d.key, "", "$%s is not used", name)
		}
	}
}
