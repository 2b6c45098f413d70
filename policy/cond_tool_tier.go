package policy

import "github.com/custos-zt/custos/internal/pdp"

// tiers say how much harm a tool can do.
func tiers() []string { return []string{"low", "medium", "high", "critical"} }

// tool_tier: [high, critical].
func readTier(r *reader, f field, _ place) []pdp.Op {
	return []pdp.Op{{Code: pdp.CodeTier, Names: r.oneOf(f.node, f.name, tiers())}}
}
