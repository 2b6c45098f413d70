package pa

import "github.com/custos-zt/custos/access"

// supplied lays facts that somebody stated about the tool over what was found
// out: `tool.*` facts come from the inventory, or from who asks in `eval`.
func supplied(r *access.Request) {
	if f, ok := r.Facts["tool.ops"]; ok {
		r.Tool.Ops, r.Tool.OpsBy = 0, nil
		for _, name := range texts(f.Value) {
			r.Tool.Ops |= access.ParseOp(name)
		}
	}
	if f, ok := r.Facts["tool.side_effects"]; ok {
		r.Tool.SideEffects = texts(f.Value)
	}
	if f, ok := r.Facts["tool.labels"]; ok {
		r.Tool.Labels = texts(f.Value)
	}
	if f, ok := r.Facts["tool.tier"]; ok {
		r.Tool.Tier = f.Value.Text()
	}
}

// texts returns the strings of a list; an empty list is known to be empty.
func texts(v access.Value) []string {
	out := make([]string, 0, v.Len())
	for _, m := range v.Members() {
		if m.Value.Kind() == access.String {
			out = append(out, m.Value.Text())
		}
	}
	return out
}
