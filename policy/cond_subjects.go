package policy

import (
	"slices"
	"strings"

	"github.com/custos-zt/custos/internal/pdp"
)

// subjects: ["corp:alice", "os:dev"]. A `*` at the end is any rest.
func readSubjects(r *reader, f field, _ place) []pdp.Op {
	return []pdp.Op{{Code: pdp.CodeSubjects, Names: r.principals(f)}}
}

// principals reads names that belong to an issuer. Where there are several
// issuers, a bare name could be anybody's.
func (r *reader) principals(f field) []string {
	var out []string
	for _, w := range r.words(f.node, f.name) {
		issuer, _, qualified := strings.Cut(w.text, ":")
		switch issuers := r.options.Issuers; {
		case !qualified && len(issuers) > 1:
			r.err(w.node, "write ISSUER:"+w.text, "%s names no issuer, and there are %d", show(w.text), len(issuers))
		case qualified && issuers != nil && !slices.Contains(issuers, issuer):
			r.err(w.node, suggest(issuer, issuers), "there is no issuer %s", show(issuer))
		case strings.Contains(strings.TrimSuffix(w.text, "*"), "*"):
			r.err(w.node, "", "in %s a * may stand at the end only", f.name)
		}
		out = append(out, w.text)
	}
	return out
}
