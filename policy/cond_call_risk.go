package policy

import (
	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/internal/pdp"
)

// call_risk: {max: 40}. The risk of this one call, from 0 to 100.
func readCallRisk(r *reader, f field, _ place) []pdp.Op {
	test := &pdp.FactTest{Fact: "call.risk", Valid: isScore(), Spec: &pdp.Spec{}}
	r.one(f, "max", func(n *yaml.Node) { test.Spec.Max = r.score(n, "call_risk.max") })
	return []pdp.Op{factOp(test, written(f.node))}
}
