package policy

import "github.com/custos-zt/custos/internal/pdp"

// labels: [pii]. What the called thing is marked with: by its facts, or by
// `labels:` of the policy.
func readLabels(r *reader, f field, _ place) []pdp.Op {
	return []pdp.Op{{Code: pdp.CodeLabels, Names: r.texts(f.node, f.name)}}
}
