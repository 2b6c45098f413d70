package policy

import (
	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/internal/pdp"
)

// exceptions reads `unless: [ {conditions}, … ]`, or one expression.
func (r *reader) exceptions(f field, rule *pdp.Rule) {
	n := f.node
	switch {
	case n.Kind == yaml.ScalarNode:
		at := place{effect: rule.Effect, exception: true}
		rule.Unless = append(rule.Unless, r.condition(field{"when", f.key, n}, at))
		return
	case n.Kind != yaml.SequenceNode:
		r.err(n, "write unless: [{CONDITIONS}]", "unless is a list of exceptions")
		return
	case len(n.Content) == 0:
		r.err(n, "leave the key out", "unless is an empty list, which nothing can match")
		return
	}
	at := place{effect: rule.Effect, exception: true}
	for _, c := range n.Content {
		var conditions []field
		for _, f := range r.fields(c, "an exception") {
			switch {
			case f.name == "when":
				r.err(f.key, "write unless: \"EXPRESSION\"", "an exception in a list has native conditions, and no expression")
			case r.isCondition(f.name):
				conditions = append(conditions, f)
			default:
				r.unknown(f, "an exception", conditionNames())
			}
		}
		ops := r.conditions(conditions, at)
		if len(ops) == 0 {
			if c.Kind == yaml.MappingNode && len(c.Content) == 0 {
				r.err(c, "", "the exception has no conditions, so the rule would never hold")
			}
			continue
		}
		rule.Unless = append(rule.Unless, ops)
	}
}
