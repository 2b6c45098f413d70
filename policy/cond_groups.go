package policy

import "github.com/custos-zt/custos/internal/pdp"

// groups: [oncall]. One of the subject's groups suffices.
func readGroups(r *reader, f field, _ place) []pdp.Op {
	return []pdp.Op{{Code: pdp.CodeGroups, Names: r.principals(f)}}
}
