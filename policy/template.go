package policy

import (
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/pdp"
)

// template is an entry under `templates:`, a rule with holes:
//
//	templates:
//	  capped:
//	    params: {tools: {type: list, of: pattern}, most: {type: number, min: 1}}
//	    rule: {allow: $tools, args: {amount: {type: integer, max: $most}}}
//	rules:
//	  - {id: refunds, use: capped, with: {tools: ["crm.refund"], most: 200}}
//
// A parameter stands for a whole value and never for a part of a text: what is
// filled in is a node of its type, which no text can break out of.
type template struct {
	key    *yaml.Node
	params []*parameter
	rule   *yaml.Node
	used   bool
	// told are the problems of the rule that were reported, by what they are:
	// every use would repeat them.
	told map[Problem]bool
}

// parameter is one hole of a template.
type parameter struct {
	key      *yaml.Node
	kind     string
	of       string // of a list's entries
	enum     []string
	min, max *pdp.Number
	fallback *yaml.Node // nil: it has to be given
	used     bool
}

func (t *template) parameter(name string) *parameter {
	for _, p := range t.params {
		if p.key.Value == name {
			return p
		}
	}
	return nil
}

// The types of parameters, and those of the entries of a list.
func parameterTypes() []string {
	return []string{"string", "number", "boolean", "duration", "rate", "path", "pattern", "list"}
}
func entryTypes() []string    { return []string{"string", "path", "pattern"} }
func parameterKeys() []string { return []string{"type", "of", "enum", "min", "max", "default"} }
func templateKeys() []string  { return []string{"params", "rule"} }

// templateList reads `templates:`.
func (r *reader) templateList(n *yaml.Node) {
	for _, f := range r.fields(n, "templates") {
		if !definable().MatchString(f.name) {
			r.err(f.key, "", "%s is not a name: use letters, digits, _ and -", show(f.name))
			continue
		}
		if t := r.template(f); t != nil {
			r.templates[f.name] = t
		}
	}
}

func (r *reader) template(f field) *template {
	t := &template{key: f.key, told: map[Problem]bool{}}
	for _, part := range r.fields(f.node, "a template") {
		switch part.name {
		case "params":
			t.params = r.parameters(part.node)
		case "rule":
			t.rule = part.node
		default:
			r.unknown(part, "a template", templateKeys())
		}
	}
	switch {
	case f.node.Kind != yaml.MappingNode:
		return nil
	case t.rule == nil:
		r.err(f.key, "rule: {allow: $tools}", "the template %s has no rule", show(f.name))
		return nil
	case t.rule.Kind != yaml.MappingNode:
		r.err(t.rule, "", "the rule of a template is written as KEY: VALUE pairs")
		return nil
	}
	for i := 0; i+1 < len(t.rule.Content); i += 2 {
		if key := t.rule.Content[i]; has(useKeys(), key.Value) {
			r.err(key, "", "%s stands where a template is used, not in it", show(key.Value))
		}
	}
	return t
}

func (r *reader) parameters(n *yaml.Node) []*parameter {
	var out []*parameter
	for _, f := range r.fields(n, "params") {
		if !definable().MatchString(f.name) {
			r.err(f.key, "", "%s is not a name: use letters, digits, _ and -", show(f.name))
			continue
		}
		if _, taken := r.define[f.name]; taken {
			r.err(f.key, "", "$%s is a list under define, and cannot be a parameter too", f.name)
		}
		out = append(out, r.parameter(f))
	}
	return out
}

// parameter reads `NAME: TYPE`, or `NAME: {type: TYPE, …}`.
func (r *reader) parameter(f field) *parameter {
	p := &parameter{key: f.key, kind: "string", of: "string"}
	if f.node.Kind == yaml.ScalarNode {
		p.kind = r.choice(f.node, "a type", parameterTypes()...)
		return p
	}
	fields := r.fields(f.node, "a parameter")
	for _, part := range fields {
		switch part.name {
		case "type":
			p.kind = r.choice(part.node, "type", parameterTypes()...)
		case "of":
			p.of = r.choice(part.node, "of", entryTypes()...)
		case "enum":
			p.enum = r.texts(part.node, "enum")
		case "min":
			p.min = r.bound(part.node, "min")
		case "max":
			p.max = r.bound(part.node, "max")
		case "default":
			p.fallback = part.node
		default:
			r.unknown(part, "a parameter", parameterKeys())
		}
	}
	r.fitting(p, fields)
	if p.fallback != nil {
		r.typed(p, p.fallback, "the default of "+f.name)
	}
	return p
}

// fitting reports what says nothing about a parameter of this type.
func (r *reader) fitting(p *parameter, fields []field) {
	for key, kinds := range map[string][]string{"of": {"list"}, "enum": {"string", "list"}, "min": {"number"}, "max": {"number"}} {
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == key })
		if i >= 0 && p.kind != "" && !has(kinds, p.kind) {
			r.err(fields[i].key, "", "%s belongs to a %s, and this is a %s", key, strings.Join(kinds, " or a "), p.kind)
		}
	}
}

// typed reports a value that is not of the parameter's type.
func (r *reader) typed(p *parameter, n *yaml.Node, what string) {
	if list, ok := strings.CutPrefix(n.Value, "$"); ok && p.kind != "list" && r.define[list] != nil {
		r.err(n, "type: list", "%s is a %s, and %s is a list", what, p.kind, show(n.Value))
		return
	}
	switch p.kind {
	case "string":
		if text := r.text(n, what); text != "" {
			r.among(p, text, n, what)
		}
	case "number":
		r.numeric(p, n, what)
	case "boolean":
		r.flag(n, what)
	case "duration":
		r.duration(n, what)
	case "rate":
		r.perTime(n, &pdp.Rate{})
	case "list":
		r.entries(p, n, what)
	default:
		if text := r.text(n, what); text != "" {
			r.entry(p.kind, word{text, n})
		}
	}
}

func (r *reader) numeric(p *parameter, n *yaml.Node, what string) {
	v := r.bound(n, what)
	if v == nil {
		return
	}
	for _, limit := range []struct {
		of   *pdp.Number
		sign int
		word string
	}{{p.min, -1, "least"}, {p.max, 1, "most"}} {
		if limit.of == nil {
			continue
		}
		if order, _ := canon.CompareNumbers(v.Value, limit.of.Value); order*limit.sign > 0 {
			r.err(n, "", "%s is at %s %s", what, limit.word, limit.of.Value.Raw())
		}
	}
}

// entries checks a list, in which $names of lists may stand.
func (r *reader) entries(p *parameter, n *yaml.Node, what string) {
	for _, w := range r.words(n, what) {
		r.among(p, w.text, w.node, what)
		r.entry(p.of, w)
	}
}

func (r *reader) among(p *parameter, text string, n *yaml.Node, what string) {
	if len(p.enum) > 0 && !has(p.enum, text) {
		r.err(n, suggest(text, p.enum), "%s is one of %s", what, strings.Join(p.enum, ", "))
	}
}

func (r *reader) entry(kind string, w word) {
	switch kind {
	case "path":
		r.pathPatterns([]word{w})
	case "pattern":
		r.target(w, access.Deny)
	}
}

// unusedTemplates warns about what nothing uses.
func (r *reader) unusedTemplates() {
	for _, name := range slices.Sorted(maps.Keys(r.templates)) {
		t := r.templates[name]
		if !t.used {
			r.warn(t.key, "", "no rule uses the template %s", show(name))
			continue
		}
		for _, p := range t.params {
			if !p.used {
				r.warn(p.key, "", "the rule of the template %s does not use $%s", show(name), p.key.Value)
			}
		}
	}
}
