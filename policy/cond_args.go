package policy

import (
	"math/big"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/pdp"
)

// args: {priority: {type: string, enum: [LOW]}, opts.dest: {…}}. One condition
// for each argument.
func readArgs(r *reader, f field, at place) []pdp.Op {
	fields := r.fields(f.node, "args")
	if f.node.Kind == yaml.MappingNode && len(fields) == 0 {
		r.err(f.node, "leave the key out", "args names no argument")
	}
	var out []pdp.Op
	for _, arg := range fields {
		path, err := pdp.ParseArgPath(arg.name)
		if err != nil {
			r.err(arg.key, "", "%v", err)
			continue
		}
		a := &pdp.Arg{Path: path}
		r.argument(arg, a, at)
		out = append(out, pdp.Op{Code: pdp.CodeArg, Arg: a, Field: "args." + arg.name, Text: written(arg.node)})
	}
	return out
}

// argument reads what one argument must be.
func (r *reader) argument(arg field, a *pdp.Arg, at place) {
	what := "args." + arg.name
	if arg.node.Kind == yaml.ScalarNode {
		r.err(arg.node, "write {enum: ["+arg.node.Value+"]}", "%s is written as KEY: VALUE pairs", what)
		return
	}
	for _, f := range r.fields(arg.node, what) {
		switch f.name {
		case "optional":
			a.Optional = r.flag(f.node, "optional")
		case "missing":
			r.choice(f.node, "missing", "skip")
			a.Skip = true
		default:
			r.constraint(f, &a.Spec, what, at)
		}
	}
	if a.Optional && a.Skip {
		r.err(arg.key, "", "%s is both optional and skipped where it is missing", what)
	}
	r.possible(arg, &a.Spec, what)
}

// specKeys are the constraints on a value.
func specKeys() []string {
	return []string{
		"type", "enum", "pattern", "min", "max", "min_length", "max_length", "items",
		"min_items", "max_items", "same_as", "not",
	}
}

// spec reads constraints that stand below others.
func (r *reader) spec(n *yaml.Node, what string, at place) *pdp.Spec {
	var s pdp.Spec
	fields := r.fields(n, what)
	for _, f := range fields {
		r.constraint(f, &s, what, at)
	}
	if n.Kind == yaml.MappingNode && len(fields) == 0 {
		r.err(n, "", "%s asks for nothing", what)
	}
	return &s
}

// constraint reads one constraint on a value.
func (r *reader) constraint(f field, s *pdp.Spec, what string, at place) {
	what += "." + f.name
	switch f.name {
	case "type":
		s.Types = r.types(f.node, what)
	case "enum":
		s.Enum = r.values(f.node, what)
	case "pattern":
		s.Pattern = r.pattern(f.node, what)
	case "min":
		s.Min = r.bound(f.node, what)
	case "max":
		s.Max = r.bound(f.node, what)
	case "min_length":
		s.Length = r.minimum(s.Length, f.node, what)
	case "max_length":
		s.Length = r.maximum(s.Length, f.node, what)
	case "min_items":
		s.Count = r.minimum(s.Count, f.node, what)
	case "max_items":
		s.Count = r.maximum(s.Count, f.node, what)
	case "items":
		s.Items = r.items(f, what, at)
	case "same_as":
		s.SameAs = r.reference(f.node, what)
	case "not":
		s.Not = r.negated(f, what, at)
	default:
		known := specKeys()
		if !strings.Contains(what, ".items.") && !strings.Contains(what, ".not.") {
			known = append(known, "optional", "missing")
		}
		r.unknown(f, strings.TrimSuffix(what, "."+f.name), known)
	}
}

// minimum and maximum complete bounds on a length or a count.
func (r *reader) minimum(b *pdp.Bounds, n *yaml.Node, what string) *pdp.Bounds {
	if b == nil {
		b = &pdp.Bounds{}
	}
	b.Min, b.HasMin = r.number(n, what, 0), true
	return b
}

func (r *reader) maximum(b *pdp.Bounds, n *yaml.Node, what string) *pdp.Bounds {
	if b == nil {
		b = &pdp.Bounds{}
	}
	b.Max, b.HasMax = r.number(n, what, 0), true
	return b
}

// items reads {each: …} or {any: …}. As with places, the effect decides how it
// is read.
func (r *reader) items(f field, what string, at place) *pdp.Spec {
	fields := r.fields(f.node, what)
	if len(fields) != 1 || fields[0].name != "each" && fields[0].name != "any" {
		r.err(f.node, "", "%s is {each: …} or {any: …}", what)
		return nil
	}
	part := fields[0]
	if part.name == "each" {
		part.name = "all"
	}
	r.quantifier(part, what, at)
	return r.spec(part.node, what+"."+fields[0].name, at)
}

// negated reads `not`, below which grants and restrictions change places.
func (r *reader) negated(f field, what string, at place) *pdp.Spec {
	inner := at
	inner.exception = false
	switch {
	case at.grants() && !at.restricts():
		inner.effect = access.Deny
	case at.restricts() && !at.grants():
		inner.effect = access.Allow
	}
	return r.spec(f.node, what, inner)
}

func (r *reader) types(n *yaml.Node, what string) pdp.Types {
	names := []string{"string", "integer", "number", "boolean", "array", "object", "null"}
	var out pdp.Types
	nodes := n.Content
	if n.Kind == yaml.ScalarNode {
		nodes = []*yaml.Node{n}
	}
	for _, c := range nodes {
		word := r.choice(c, what, names...)
		for i, name := range names {
			if word == name {
				out |= 1 << i
			}
		}
	}
	if len(nodes) == 0 {
		r.err(n, "", "%s is one of %s", what, strings.Join(names, ", "))
	}
	return out
}

// values reads the values of an enum: text, numbers, true, false, null.
func (r *reader) values(n *yaml.Node, what string) []access.Value {
	if n.Kind == yaml.ScalarNode && isText(n) && strings.HasPrefix(n.Value, "$") {
		var out []access.Value
		for _, w := range r.words(n, what) {
			out = append(out, canon.String(w.text))
		}
		return out
	}
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		r.err(n, "", "%s is a list of values", what)
		return nil
	}
	var out []access.Value
	for _, c := range n.Content {
		if c.Kind == yaml.ScalarNode && isText(c) && strings.HasPrefix(c.Value, "$") {
			for _, w := range r.words(c, what) {
				out = append(out, canon.String(w.text))
			}
			continue
		}
		if v := r.value(c, what); !v.IsAbsent() {
			out = append(out, v)
		}
	}
	return out
}

// value turns a scalar into the JSON value it stands for.
func (r *reader) value(n *yaml.Node, what string) access.Value {
	if n.Kind != yaml.ScalarNode {
		r.err(n, "", "%s holds text, numbers, true, false or null", what)
		return access.Value{}
	}
	literal := ""
	switch n.ShortTag() {
	case "!!null":
		literal = "null"
	case "!!bool":
		literal = strings.ToLower(n.Value)
	case "!!int":
		literal = n.Value
		if i, ok := new(big.Int).SetString(strings.TrimPrefix(n.Value, "+"), 0); ok && len(n.Value) < 400 {
			literal = i.String()
		}
	case "!!float":
		literal = n.Value
	default:
		return canon.String(n.Value)
	}
	v, err := canon.Parse(literal, canon.DefaultLimits())
	if err != nil {
		r.err(n, "write it as in JSON", "%s: %s is not a value", what, show(n.Value))
		return access.Value{}
	}
	return v
}

// bound reads a number, kept as it was written.
func (r *reader) bound(n *yaml.Node, what string) *pdp.Number {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" && n.ShortTag() != "!!float" {
		r.err(n, "", "%s is a number", what)
		return nil
	}
	v := r.value(n, what)
	if v.IsAbsent() {
		return nil
	}
	return pdp.NewNumber(v)
}
