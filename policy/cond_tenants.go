package policy

import "github.com/custos-zt/custos/internal/pdp"

// tenants: [acme]. The subject's tenant.
func readTenants(r *reader, f field, _ place) []pdp.Op {
	return []pdp.Op{{Code: pdp.CodeTenants, Names: r.texts(f.node, f.name)}}
}
