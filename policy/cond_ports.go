package policy

import (
	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/internal/pdp"
)

// ports: [443, "8000-8999"]. The port of every URL of the call, which is that of
// its scheme where the URL names none.
func readPorts(r *reader, f field, at place) []pdp.Op {
	// A port is a number, and lists are of words: a copy of the node is read in
	// which numbers are text.
	f.node = quoted(f.node)
	q := r.quantified(f, at)
	return []pdp.Op{{Code: pdp.CodePorts, URLs: &pdp.URLs{
		Ports: true,
		Match: r.urlPatterns(q.match, pdp.ParsePorts), Except: r.urlPatterns(q.except, pdp.ParsePorts), None: q.none,
	}}}
}

// quoted is the tree below n with whole numbers as text. Positions stay.
func quoted(n *yaml.Node) *yaml.Node {
	out := *n
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!int" {
		out.Tag = "!!str"
	}
	out.Content = make([]*yaml.Node, len(n.Content))
	for i, c := range n.Content {
		out.Content[i] = quoted(c)
	}
	return &out
}
