package policy

import "github.com/custos-zt/custos/internal/pdp"

// auth: {acr: [phr], mfa: true, max_age: 10m}. How well and how lately the
// subject proved who it is. What was proven longer ago than max_age proves
// nothing any more: it is unknown.
func readAuth(r *reader, f field, _ place) []pdp.Op {
	var out []pdp.Op
	parts := r.fields(f.node, "auth")
	for _, part := range parts {
		switch part.name {
		case "acr":
			out = append(out, r.wordFact(part, "acr", "auth.acr", isWord()))
		case "mfa":
			out = append(out, r.flagFact(part, "mfa", "auth.mfa"))
		case "max_age":
			op := r.spanFact(part, "auth.age_s")
			op.Fact.Proof = true
			out = append(out, op)
		default:
			r.unknown(part, "auth", []string{"acr", "mfa", "max_age"})
		}
	}
	r.asks(f, "auth", len(parts), "acr", "mfa", "max_age")
	return out
}
