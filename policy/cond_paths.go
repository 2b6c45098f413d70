package policy

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/internal/pdp"
)

// paths: every path of the call. from, to: its sources, its destinations.
func readPaths(r *reader, f field, at place) []pdp.Op { return r.places(f, at, pdp.RolesPaths) }
func readFrom(r *reader, f field, at place) []pdp.Op  { return r.places(f, at, pdp.RolesFrom) }
func readTo(r *reader, f field, at place) []pdp.Op    { return r.places(f, at, pdp.RolesTo) }

func (r *reader) places(f field, at place, roles pdp.RoleSet) []pdp.Op {
	q := r.quantified(f, at)
	return []pdp.Op{{Code: pdp.CodePlaces, Places: &pdp.Places{
		Roles: roles, Match: r.pathPatterns(q.match), Except: r.pathPatterns(q.except), None: q.none,
	}}}
}

// quantified is the shape that all place conditions share: a list, or
// {all|any: […], except: […], none: match}.
type quantified struct {
	match, except []word
	none          bool
}

func (r *reader) quantified(f field, at place) quantified {
	var q quantified
	if f.node.Kind != yaml.MappingNode {
		q.match = r.words(f.node, f.name)
		return q
	}
	listed := false
	for _, part := range r.fields(f.node, f.name) {
		switch part.name {
		case "all", "any":
			if listed {
				r.err(part.key, "", "%s has both all and any", f.name)
			}
			listed = true
			q.match = r.words(part.node, part.name)
			r.quantifier(part, f.name, at)
		case "except":
			q.except = r.words(part.node, part.name)
		case "none":
			r.choice(part.node, "none", "match")
			q.none = true
		default:
			r.unknown(part, f.name, []string{"all", "any", "except", "none"})
		}
	}
	if !listed {
		r.err(f.node, "any: [\"**\"] is every value", "%s lists nothing under all or any", f.name)
	}
	return q
}

// quantifier warns about a word that says the opposite of how the condition is
// read: the effect decides that, so that no rule can be weakened by a word.
func (r *reader) quantifier(part field, what string, at place) {
	switch {
	case part.name == "any" && at.grants() && !at.restricts():
		r.warn(part.key, "write all", "what grants must be certain: %s needs every value to match here, whatever it says", what)
	case part.name == "all" && at.restricts() && !at.grants():
		r.warn(part.key, "write any", "what restricts may be suspicion: one value that matches suffices for %s here, whatever it says", what)
	}
}

// pathPatterns compiles path patterns and checks that they can match at all.
func (r *reader) pathPatterns(words []word) []pdp.PathPattern {
	out := make([]pdp.PathPattern, 0, len(words))
	for _, w := range words {
		text, ok := r.home(w)
		if !ok || !r.pathShape(w, text) {
			continue
		}
		p, err := pdp.ParsePath(text)
		if err != nil {
			r.err(w.node, "* ? [a-z] {a,b} and \\ are special in path patterns", "%v", err)
			continue
		}
		out = append(out, p)
	}
	return out
}

// home expands `~`.
func (r *reader) home(w word) (string, bool) {
	if !strings.HasPrefix(w.text, "~") {
		return w.text, true
	}
	rest := w.text[1:]
	switch {
	case rest != "" && rest[0] != '/':
		r.err(w.node, "write the directory", "%s: only ~ itself, your home, is known in patterns", show(w.text))
	case r.options.Home == "":
		r.err(w.node, "write the directory", "%s: there is no home directory here", show(w.text))
	default:
		return strings.TrimSuffix(escapeGlob(r.options.Home), "/") + rest, true
	}
	return "", false
}

// escapeGlob makes a literal path a pattern.
func escapeGlob(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if strings.IndexByte(`*?[]{}\`, c) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	return b.String()
}

// pathShape reports patterns that no path can match, since paths are compared
// with dot segments and doubled separators folded.
func (r *reader) pathShape(w word, text string) bool {
	segments := strings.Split(strings.TrimPrefix(text, "/"), "/")
	switch {
	case text != "/" && strings.HasSuffix(text, "/"):
		r.err(w.node, "write "+text+"** for all below it", "%s ends in a separator, and no path does", show(w.text))
	case text != "/" && (slices.Contains(segments, "") || slices.Contains(segments, ".") || slices.Contains(segments, "..")):
		r.err(w.node, "", "%s has empty or dot segments, and paths are compared without", show(w.text))
	case !strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "**"):
		r.warn(w.node, "write **/"+text+" or an absolute path", "%s is relative: it matches a relative path as sent, which can be granted nothing", show(w.text))
		return true
	default:
		return true
	}
	return false
}
