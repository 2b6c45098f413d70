package policy

import "github.com/custos-zt/custos/internal/pdp"

// urls: ["https://pkg.go.dev/**"]. Every URL of the call, wherever it stands in
// the arguments.
func readURLs(r *reader, f field, at place) []pdp.Op {
	q := r.quantified(f, at)
	return []pdp.Op{{Code: pdp.CodeURLs, URLs: &pdp.URLs{
		Match: r.urlPatterns(q.match, pdp.ParseURL), Except: r.urlPatterns(q.except, pdp.ParseURL), None: q.none,
	}}}
}

func (r *reader) urlPatterns(words []word, parse func(string) (pdp.URLPattern, error)) []pdp.URLPattern {
	out := make([]pdp.URLPattern, 0, len(words))
	for _, w := range words {
		p, err := parse(w.text)
		if err != nil {
			r.err(w.node, "", "%s: %v", show(w.text), err)
			continue
		}
		out = append(out, p)
	}
	return out
}
