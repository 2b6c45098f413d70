package policy

import (
	"net/netip"
	"strings"

	"github.com/custos-zt/custos/internal/pdp"
)

// network: {cidrs: ["10.0.0.0/8"], zones: [office], countries: [FR, DE]}. Where
// the call comes from.
func readNetwork(r *reader, f field, _ place) []pdp.Op {
	var out []pdp.Op
	parts := r.fields(f.node, "network")
	for _, part := range parts {
		switch part.name {
		case "cidrs":
			test := &pdp.FactTest{Fact: "network.ip", Prefixes: r.prefixes(part)}
			out = append(out, factOp(test, written(part.node)))
		case "zones":
			out = append(out, r.wordFact(part, "zones", "network.zone", isWord()))
		case "countries":
			out = append(out, r.countries(part))
		default:
			r.unknown(part, "network", []string{"cidrs", "zones", "countries"})
		}
	}
	r.asks(f, "network", len(parts), "cidrs", "zones", "countries")
	return out
}

func (r *reader) prefixes(f field) []netip.Prefix {
	out := []netip.Prefix{}
	for _, w := range r.words(f.node, "cidrs") {
		p, err := netip.ParsePrefix(w.text)
		addr, errAddr := netip.ParseAddr(w.text)
		switch {
		case err != nil && errAddr == nil:
			r.err(w.node, "write "+netip.PrefixFrom(addr, addr.BitLen()).String(), "%s is an address, not a network", show(w.text))
		case err != nil:
			r.err(w.node, "write ADDRESS/BITS", "%s is not a network", show(w.text))
		case p.Addr().Is4In6():
			r.err(w.node, "write it as IPv4", "%s is an IPv4 network written as IPv6", show(w.text))
		case p != p.Masked():
			r.err(w.node, "write "+p.Masked().String(), "%s has bits set behind the prefix", show(w.text))
		default:
			out = append(out, p)
		}
	}
	return out
}

// countries are two letters of ISO 3166-1.
func (r *reader) countries(f field) pdp.Op {
	words := r.words(f.node, "countries")
	for _, w := range words {
		if !isCountry(w.text) {
			hint := ""
			if upper := strings.ToUpper(w.text); isCountry(upper) {
				hint = "write " + upper
			}
			r.err(w.node, hint, "%s is not a country: two capital letters, as in ISO 3166-1", show(w.text))
		}
	}
	valid := &pdp.Spec{Types: pdp.TypeString}
	valid.Pattern, _ = r.patterns.compile("[A-Z]{2}")
	return wordsFact(words, "network.country", valid, written(f.node))
}

func isCountry(s string) bool {
	return len(s) == 2 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z'
}
