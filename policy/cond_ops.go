package policy

import (
	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/pdp"
)

// ops: [read, list]. What the call does: all of it for a grant, some of it for
// a restriction.
func readOps(r *reader, f field, _ place) []pdp.Op {
	return []pdp.Op{{Code: pdp.CodeOps, Mask: r.opMask(f.node, f.name)}}
}

func (r *reader) opMask(n *yaml.Node, what string) access.Op {
	var mask access.Op
	for _, name := range r.oneOf(n, what, access.OpNames()) {
		mask |= access.ParseOp(name)
	}
	return mask
}
