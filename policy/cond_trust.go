package policy

import (
	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/internal/pdp"
)

// trust: {min: 60}. The score of who calls, from 0 to 100.
func readTrust(r *reader, f field, _ place) []pdp.Op {
	test := &pdp.FactTest{Fact: "trust.score", Valid: isScore(), Spec: &pdp.Spec{}}
	r.one(f, "min", func(n *yaml.Node) { test.Spec.Min = r.score(n, "trust.min") })
	return []pdp.Op{factOp(test, written(f.node))}
}
