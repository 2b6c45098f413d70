package policy

import "github.com/custos-zt/custos/internal/pdp"

// scopes: ["tickets:write"]. One of the scopes of the subject's token
// suffices, as with roles.
func readScopes(r *reader, f field, _ place) []pdp.Op {
	test := &pdp.FactTest{Fact: "subject.scopes", Words: r.texts(f.node, f.name), One: true}
	return []pdp.Op{factOp(test, written(f.node))}
}
