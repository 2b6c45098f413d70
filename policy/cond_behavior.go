package policy

import "github.com/custos-zt/custos/internal/pdp"

// behavior: {rate_z: {max: 3}, novel_tool: false, surprise: {max: 8}}. How far
// the caller is from what it usually does.
func readBehavior(r *reader, f field, _ place) []pdp.Op {
	var out []pdp.Op
	parts := r.fields(f.node, "behavior")
	for _, part := range parts {
		name := "behavior." + part.name
		switch part.name {
		case "rate_z", "surprise":
			out = append(out, r.boundFact(part, name, name))
		case "novel_tool":
			out = append(out, r.flagFact(part, name, name))
		default:
			r.unknown(part, "behavior", []string{"rate_z", "novel_tool", "surprise"})
		}
	}
	r.asks(f, "behavior", len(parts), "rate_z", "novel_tool", "surprise")
	return out
}
