package policy

import (
	"strings"

	"github.com/custos-zt/custos/internal/pdp"
)

// extensions: [md, ".txt", tar.gz]. What the name of every path of the call ends
// in; a name like .env is an extension too.
func readExtensions(r *reader, f field, _ place) []pdp.Op {
	var names []string
	for _, w := range r.words(f.node, f.name) {
		name := strings.TrimPrefix(w.text, ".")
		switch {
		case strings.ContainsAny(name, `*?[]{}/\`):
			r.err(w.node, "paths: has patterns", "%s is not an extension, which has no patterns and no separators", show(w.text))
		case name == "" || strings.Trim(name, ". ") != name:
			r.err(w.node, "write what stands behind the dot", "%s is not an extension", show(w.text))
		}
		names = append(names, name)
	}
	if len(names) > pdp.MaxExtensions {
		r.err(f.node, "", "extensions lists more than %d", pdp.MaxExtensions)
	}
	return []pdp.Op{{Code: pdp.CodeExtensions, Names: names}}
}
