package policy

import (
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/internal/pdp"
)

// useKeys are the keys of a rule that uses a template.
func useKeys() []string { return []string{"id", "use", "with"} }

// use is a rule that a template makes.
type use struct {
	*template
	name string
	rule *yaml.Node // with everything filled in
}

// usesTemplate reports whether a rule is made by a template.
func usesTemplate(n *yaml.Node) bool {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == "use" {
			return true
		}
	}
	return false
}

// made reads a rule that a template makes. What the template says stands where
// it was written, and problems with it also say which rule met them.
func (r *reader) made(n *yaml.Node) {
	start := len(r.problems)
	u := r.instance(n, true)
	if u == nil {
		return
	}
	before, rules := len(r.problems), len(r.rules)
	r.rule(u.rule)
	for i := rules; i < len(r.rules); i++ {
		r.rules[i].Template = pdp.Origin{Name: u.name, Position: r.position(u.key)}
	}
	r.trace(u, n, start, before)
}

// trace words the problems that reading the rule brought up: those of the
// template once, and none about an argument that is of the wrong type, which was
// said already.
func (r *reader) trace(u *use, at *yaml.Node, start, before int) {
	type spot struct{ line, column int }
	inside, said := map[spot]bool{}, map[spot]bool{}
	visit(u.template.rule, func(n *yaml.Node) { inside[spot{n.Line, n.Column}] = true })
	for _, p := range r.problems[start:before] {
		said[spot{p.Line, p.Column}] = true
	}
	by := ", used by a rule without an id"
	if id := valueOf(at, "id"); id != nil {
		by = " as " + show(id.Value) + " uses it"
	}
	out := slices.Clip(r.problems[:before])
	for _, p := range r.problems[before:] {
		if inside[spot{p.Line, p.Column}] {
			if u.told[p] {
				continue
			}
			u.told[p] = true
			p.Message += ", in the template " + show(u.name) + by
		}
		if !said[spot{p.Line, p.Column}] {
			out = append(out, p)
		}
	}
	r.problems = out
}

// instance fills a template in, or returns nil. With check it reports what is
// wrong with the arguments.
func (r *reader) instance(n *yaml.Node, check bool) *use {
	u := &use{}
	var id, with *field
	var name *yaml.Node
	for _, f := range r.fields(n, "a rule") {
		switch f.name {
		case "id":
			id = &f
		case "use":
			name = f.node
		case "with":
			with = &f
		default:
			hint := "put it into the template, or make it a parameter"
			if near := suggest(f.name, useKeys()); near != "" && !r.vocabulary.options[f.name] && !r.isCondition(f.name) {
				hint = near
			}
			r.err(f.key, hint, "%s does not stand in a rule that uses a template", show(f.name))
		}
	}
	u.name = r.text(name, "use")
	u.template = r.templates[u.name]
	if u.template == nil {
		if u.name != "" {
			r.err(name, suggest(u.name, slices.Sorted(maps.Keys(r.templates))), "there is no template %s", show(u.name))
		}
		return nil
	}
	u.used = true
	args := r.arguments(u, n, with, check)
	if args == nil {
		return nil
	}
	if u.rule = r.filled(u.template, u.template.rule, args); u.rule == nil {
		return nil
	}
	u.rule.Line, u.rule.Column = n.Line, n.Column
	if id != nil {
		u.rule.Content = slices.Concat([]*yaml.Node{id.key, id.node}, u.rule.Content)
	}
	return u
}

// arguments returns what each parameter stands for, nil where one is missing.
func (r *reader) arguments(u *use, n *yaml.Node, with *field, check bool) map[string]*yaml.Node {
	args := map[string]*yaml.Node{}
	var known []string
	for _, p := range u.params {
		known = append(known, p.key.Value)
		if p.fallback != nil {
			args[p.key.Value] = p.fallback
		}
	}
	if with != nil {
		for _, f := range r.fields(with.node, "with") {
			p := u.parameter(f.name)
			if p == nil {
				r.err(f.key, suggest(f.name, known), "the template %s has no parameter %s", show(u.name), show(f.name))
				continue
			}
			args[f.name] = f.node
			if check {
				r.typed(p, f.node, "with."+f.name)
			}
		}
	}
	for _, p := range u.params {
		if n := args[p.key.Value]; n != nil && p.kind == "list" {
			args[p.key.Value] = r.flat(n)
		}
	}
	at, whole := n, true
	if with != nil {
		at = with.key
	}
	for _, p := range u.params {
		if name := p.key.Value; args[name] == nil {
			whole = false
			r.err(at, "with: {"+name+": …}", "the template %s needs %s, a %s", show(u.name), name, p.kind)
		}
	}
	if !whole {
		return nil
	}
	return args
}

// flat is a list with the $names of lists in it replaced: what a list stands for
// need not be a place where such names are known.
func (r *reader) flat(n *yaml.Node) *yaml.Node {
	before := len(r.problems)
	list := yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Style: yaml.FlowStyle, Line: n.Line, Column: n.Column}
	for _, w := range r.words(n, "") {
		list.Content = append(list.Content, w.node)
	}
	r.problems = r.problems[:before] // reported with its type
	return &list
}

// filled copies a node of a template with its parameters replaced, nil where
// the copies of this file grow too large.
func (r *reader) filled(t *template, n *yaml.Node, args map[string]*yaml.Node) *yaml.Node {
	if r.expanded++; r.expanded > maxExpanded {
		if r.expanded == maxExpanded+1 {
			r.err(n, "", "the templates of this file make more than %d values", maxExpanded)
		}
		return nil
	}
	if n.Kind == yaml.ScalarNode {
		return r.filledText(t, n, args)
	}
	out := *n
	out.Content = make([]*yaml.Node, 0, len(n.Content))
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			out.Content = append(out.Content, c) // a key is no value
			continue
		}
		v := r.filled(t, c, args)
		switch {
		case v == nil:
			return nil
		case n.Kind == yaml.SequenceNode && v.Kind == yaml.SequenceNode && c.Kind == yaml.ScalarNode:
			out.Content = append(out.Content, v.Content...) // a list among others
		default:
			out.Content = append(out.Content, v)
		}
	}
	return &out
}

// filledText replaces a $name that is a parameter. One that is neither a
// parameter nor a list is a slip: it would stay as it is where texts may stand.
func (r *reader) filledText(t *template, n *yaml.Node, args map[string]*yaml.Node) *yaml.Node {
	name, ok := strings.CutPrefix(n.Value, "$")
	if !ok || !isText(n) || !definable().MatchString(name) {
		return n
	}
	if p := t.parameter(name); p != nil {
		p.used = true
		return args[name]
	}
	if r.define[name] == nil {
		known := slices.Sorted(maps.Keys(r.define))
		for _, p := range t.params {
			known = append(known, p.key.Value)
		}
		r.err(n, suggest(name, known), "%s is neither a parameter of the template nor a list under define", show(n.Value))
	}
	return n
}

// Expand is [Parse] with every use of a template replaced by the rule that it
// makes, and the templates left out: what the rest of a policy is about. Each
// node stands where it was written, in the template or where it is used; a rule
// stands where it is used. Uses that cannot be filled in are left out, and
// [Compile] says why.
func Expand(src Source) (*yaml.Node, []Problem) {
	root, problems := Parse(src)
	if root == nil || Failed(problems) || root.Kind != yaml.MappingNode {
		return root, problems
	}
	r := &reader{compiler: &compiler{vocabulary: newVocabulary()}, file: src.Name, define: map[string]*definition{}, templates: map[string]*template{}}
	var rules *yaml.Node
	out := *root
	out.Content = nil
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		switch key.Value {
		case "define":
			r.definitions(value)
		case "rules":
			list := *value
			rules, value = &list, &list
		case "templates":
			continue
		}
		out.Content = append(out.Content, key, value)
	}
	if templates := valueOf(root, "templates"); templates != nil {
		r.templateList(templates)
	}
	if rules == nil || rules.Kind != yaml.SequenceNode {
		return &out, problems
	}
	made := make([]*yaml.Node, 0, len(rules.Content))
	for _, n := range rules.Content {
		if !usesTemplate(n) {
			made = append(made, n)
		} else if u := r.instance(n, false); u != nil {
			made = append(made, u.rule)
		}
	}
	rules.Content = made
	return &out, problems
}

func valueOf(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}
