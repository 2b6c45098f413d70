package policy

import "github.com/custos-zt/custos/internal/pdp"

// hosts: ["*.acme.example"]. The host of every URL, and the domain of every
// address like a@b, of the call.
func readHosts(r *reader, f field, at place) []pdp.Op {
	q := r.quantified(f, at)
	return []pdp.Op{{Code: pdp.CodeHosts, URLs: &pdp.URLs{
		Hosts: true,
		Match: r.urlPatterns(q.match, pdp.ParseHost), Except: r.urlPatterns(q.except, pdp.ParseHost), None: q.none,
	}}}
}
