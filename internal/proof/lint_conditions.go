package proof

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/pdp"
)

// contradictions reports conditions that nothing satisfies.
func (l *linter) contradictions(r *writtenRule) {
	l.contradict(r, r.conditions, "it never acts")
	for i, entry := range r.unless {
		l.contradict(r, entry, "the exception never holds")
		if covered := entryCovers(r, entry); covered {
			l.find("error", "contradiction", r, member(r.node, "unless").Content[i], "it never acts: the exception holds wherever its conditions do")
		}
	}
}

// entryCovers reports whether an exception holds wherever the rule's
// conditions do.
func entryCovers(r *writtenRule, entry map[string]*yaml.Node) bool {
	for field, e := range entry {
		if n := r.conditions[field]; n == nil || !alike(e, n) {
			return false
		}
	}
	return len(entry) > 0
}

func (l *linter) contradict(r *writtenRule, conditions map[string]*yaml.Node, so string) {
	if args := conditions["args"]; args != nil {
		for i := 0; i+1 < len(args.Content); i += 2 {
			if why := impossible(r, args.Content[i+1]); why != "" {
				l.find("error", "contradiction", r, args.Content[i], "%s: args.%s: %s", so, args.Content[i].Value, why)
			}
		}
	}
	for _, field := range []string{"paths", "from", "to", "urls", "hosts"} {
		n := conditions[field]
		if n == nil {
			continue
		}
		match, except, none := r.places(n)
		if !none && subset(match, except) == yes {
			l.find("error", "contradiction", r, n, "%s: %s excepts all that it lists", so, field)
		}
		if field == "from" || field == "to" {
			l.apart(r, conditions, field, n, so)
		}
	}
}

// apart reports sources or destinations outside of the paths that the same
// grant allows: they are paths too.
func (l *linter) apart(r *writtenRule, conditions map[string]*yaml.Node, field string, n *yaml.Node, so string) {
	paths := conditions["paths"]
	if paths == nil || r.Effect == access.Deny {
		return
	}
	all, _, _ := r.places(paths)
	some, _, none := r.places(n)
	if none {
		return
	}
	for _, a := range all {
		for _, s := range some {
			x, y := literalDir(a), literalDir(s)
			if strings.HasPrefix(x, y) || strings.HasPrefix(y, x) {
				return
			}
		}
	}
	l.find("error", "contradiction", r, n, "%s: no path is in paths and in %s", so, field)
}

// literalDir is the part of a path pattern before its first special character.
func literalDir(p string) string {
	if i := strings.IndexAny(p, `*?[{\`); i >= 0 {
		p = p[:i]
	}
	return p
}

// impossible says why no value satisfies the constraints, or "".
func impossible(r *writtenRule, spec *yaml.Node) string {
	enum := member(spec, "enum")
	if enum == nil {
		return numbersOfNoType(spec)
	}
	var values []access.Value
	for _, c := range enum.Content {
		if c.Kind == yaml.ScalarNode && strings.HasPrefix(c.Value, "$") {
			for _, w := range r.words(c) {
				values = append(values, canon.String(w))
			}
			continue
		}
		v, err := numberOf(c)
		if err != nil {
			return ""
		}
		values = append(values, v)
	}
	if enum.Kind != yaml.SequenceNode {
		for _, w := range r.words(enum) {
			values = append(values, canon.String(w))
		}
	}
	if len(values) == 0 || slices.ContainsFunc(values, func(v access.Value) bool { return satisfies(v, spec, r.Effect) }) {
		return ""
	}
	return "none of the values of enum satisfies the rest"
}

// numbersOfNoType says that bounds stand beside a type that has none.
func numbersOfNoType(spec *yaml.Node) string {
	kind := member(spec, "type")
	if kind == nil || kind.Kind != yaml.ScalarNode {
		return ""
	}
	number := kind.Value == "integer" || kind.Value == "number"
	switch {
	case !number && (member(spec, "min") != nil || member(spec, "max") != nil):
		return "min and max are for numbers, and the type is " + kind.Value
	case kind.Value != "string" && (member(spec, "pattern") != nil || member(spec, "min_length") != nil || member(spec, "max_length") != nil):
		return "pattern and length are for strings, and the type is " + kind.Value
	}
	return ""
}

// satisfies decides one value against type, bounds and pattern; what it does
// not know counts as satisfied.
func satisfies(v access.Value, spec *yaml.Node, effect access.Effect) bool {
	if kind := member(spec, "type"); kind != nil && kind.Kind == yaml.ScalarNode && !hasType(v, kind.Value) {
		return false
	}
	for key, sign := range map[string]int{"min": 1, "max": -1} {
		n := member(spec, key)
		if n == nil {
			continue
		}
		bound, err := numberOf(n)
		if err != nil {
			continue
		}
		order, ok := canon.CompareNumbers(bound, v)
		if !ok || order*sign > 0 {
			return false
		}
	}
	p := member(spec, "pattern")
	if p == nil {
		return true
	}
	text := p.Value
	if effect != access.Deny {
		text = `\A(?:` + text + `)\z`
	}
	re, err := regexp.Compile(text)
	return err != nil || v.Kind() == access.String && re.MatchString(v.Text())
}

func hasType(v access.Value, name string) bool {
	switch name {
	case "string":
		return v.Kind() == access.String
	case "integer":
		return v.Kind() == access.Number && canon.IsInteger(v)
	case "number":
		return v.Kind() == access.Number
	case "boolean":
		return v.Kind() == access.Bool
	case "null":
		return v.Kind() == access.Null
	default:
		return false
	}
}

// regexes reports patterns whose anchors say something else than they seem to.
func (l *linter) regexes(r *writtenRule) {
	l.regexesIn(r, r.conditions["args"], r.Effect != access.Deny)
	for _, entry := range r.unless {
		l.regexesIn(r, entry["args"], r.Effect == access.Deny)
	}
}

func (l *linter) regexesIn(r *writtenRule, n *yaml.Node, whole bool) {
	if n == nil {
		return
	}
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == "pattern" && n.Content[i+1].Kind == yaml.ScalarNode {
				l.regex(r, n.Content[i+1], whole)
			}
		}
	}
	for _, c := range n.Content {
		l.regexesIn(r, c, whole)
	}
}

func (l *linter) regex(r *writtenRule, n *yaml.Node, whole bool) {
	p := n.Value
	starts, ends := strings.HasPrefix(p, "^"), strings.HasSuffix(p, "$") && !strings.HasSuffix(p, `\$`)
	switch {
	case splitAnchors(p):
		l.find("warning", "regex", r, n, "%q: an anchor binds closer than |: write ^(?:…|…)$", p)
	case whole && starts != ends:
		l.find("warning", "regex", r, n, "%q looks unanchored, and it matches the whole value here, as every pattern that grants", p)
	case !whole && (starts || ends):
		l.find("note", "regex", r, n, "%q is searched for here, as every pattern that restricts: a value with something before or after it is not restricted", p)
	}
}

// splitAnchors reports a top-level alternative beside an anchor.
func splitAnchors(p string) bool {
	depth, class, bars := 0, false, false
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case c == '\\':
			i++
		case class:
			class = c != ']'
		case c == '[':
			class = true
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == '|' && depth == 0:
			bars = true
		}
	}
	return bars && (strings.HasPrefix(p, "^") || strings.HasSuffix(p, "$"))
}

// argNames returns the arguments that a rule constrains, by their first key.
func argNames(n *yaml.Node) []*yaml.Node {
	var out []*yaml.Node
	for i := 0; n != nil && n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if _, err := pdp.ParseArgPath(n.Content[i].Value); err == nil {
			out = append(out, n.Content[i])
		}
	}
	return out
}

// firstKey is the argument that a JSON path begins with.
func firstKey(path string) string {
	if i := strings.IndexAny(path, ".["); i >= 0 {
		return path[:i]
	}
	return path
}
