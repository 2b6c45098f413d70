package policy

import "github.com/custos-zt/custos/internal/pdp"

// agents: ["spiffe://acme/ci/**"]. The proven identity of the software.
func readAgents(r *reader, f field, _ place) []pdp.Op {
	var globs []pdp.PathPattern
	for _, w := range r.words(f.node, f.name) {
		p, err := pdp.ParsePath(w.text)
		if err != nil {
			r.err(w.node, "", "%v", err)
			continue
		}
		globs = append(globs, p)
	}
	return []pdp.Op{{Code: pdp.CodeAgents, Globs: globs}}
}
