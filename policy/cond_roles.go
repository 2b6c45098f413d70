package policy

import "github.com/custos-zt/custos/internal/pdp"

// roles: [support]. One of the subject's roles suffices.
func readRoles(r *reader, f field, _ place) []pdp.Op {
	return []pdp.Op{{Code: pdp.CodeRoles, Names: r.principals(f)}}
}
