package policy

import "github.com/custos-zt/custos/internal/pdp"

// issuers: [corp]. Who vouched for the subject.
func readIssuers(r *reader, f field, _ place) []pdp.Op {
	return []pdp.Op{{Code: pdp.CodeIssuers, Names: r.texts(f.node, f.name)}}
}
