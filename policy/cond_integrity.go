package policy

import "github.com/custos-zt/custos/internal/pdp"

// integrity: verified. The program of the backend is the one that was
// expected.
func readIntegrity(r *reader, f field, _ place) []pdp.Op {
	r.choice(f.node, "integrity", "verified")
	return []pdp.Op{r.wordFact(f, "integrity", "integrity.backend", isWord())}
}
