package proof

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
)

// proved says how far an implication was shown.
type proved uint8

const (
	// no: it does not hold, or nothing here can show it.
	no proved = iota
	// opaque: all but a regular expression or CEL was shown.
	opaque
	// yes: it holds.
	yes
)

// implied reports whether a rule of conditions `wider` acts wherever one of
// `narrower` does: every condition of the wider follows from one of the
// narrower. Both are read as grants are; what grants for certain restricts for
// certain too.
func implied(wider, narrower *writtenRule) proved {
	out := yes
	for field, w := range wider.conditions {
		n := narrower.conditions[field]
		out = min(out, implies(field, w, n, wider, narrower))
	}
	return out
}

// implies compares one condition of the two rules. n is nil where the narrower
// rule does not have it.
func implies(field string, w, n *yaml.Node, wider, narrower *writtenRule) proved {
	switch {
	case field == "unlisted_args" && wider.Effect == access.Deny:
		return no
	case field == "when":
		return opaque
	case n == nil && field == "args":
		return impliesArgs(w, &yaml.Node{Kind: yaml.MappingNode}, wider, narrower)
	case n == nil:
		return no
	case alike(w, n) && wider.file == narrower.file:
		return yes
	case field == "args":
		return impliesArgs(w, n, wider, narrower)
	}
	switch field {
	case "roles", "groups", "subjects", "issuers", "tenants", "scopes", "ops", "side_effects", "labels", "tool_tier", "agents", "commands":
		return subset(narrower.words(n), wider.words(w))
	case "paths", "from", "to", "urls", "hosts":
		return impliesPlaces(w, n, wider, narrower)
	}
	return no
}

func subset(small, large []string) proved {
	for _, s := range small {
		if !slices.Contains(large, s) {
			return no
		}
	}
	return yes
}

// impliesPlaces compares lists of patterns entry by entry. A value that the
// wider rule excepts is not seen as covered.
func impliesPlaces(w, n *yaml.Node, wider, narrower *writtenRule) proved {
	match, except, none := wider.places(w)
	inner, innerExcept, innerNone := narrower.places(n)
	if innerNone && !none || subset(except, innerExcept) == no {
		return no
	}
	if slices.Contains(match, "**") {
		return yes
	}
	return subset(inner, match)
}

// impliesArgs compares the constraints on each argument.
func impliesArgs(w, n *yaml.Node, wider, narrower *writtenRule) proved {
	out := yes
	for i := 0; i+1 < len(w.Content); i += 2 {
		name, spec := w.Content[i].Value, w.Content[i+1]
		inner := member(n, name)
		if inner == nil {
			return no
		}
		out = min(out, impliesSpec(spec, inner, wider, narrower))
	}
	return out
}

// impliesSpec compares constraints on one argument.
func impliesSpec(w, n *yaml.Node, wider, narrower *writtenRule) proved {
	if alike(w, n) && wider.file == narrower.file {
		return yes
	}
	if flagged(n, "optional") && !flagged(w, "optional") || member(w, "missing") != nil && flagged(n, "optional") {
		return no
	}
	out := yes
	for i := 0; i+1 < len(w.Content); i += 2 {
		key, bound := w.Content[i].Value, w.Content[i+1]
		inner := member(n, key)
		switch {
		case key == "optional" || key == "missing":
		case key == "pattern" && (inner == nil || inner.Value != bound.Value):
			out = min(out, opaque)
		case inner == nil:
			return no
		case alike(bound, inner):
		case key == "enum":
			out = min(out, subset(narrower.words(inner), wider.words(bound)))
		case key == "min" || key == "min_length" || key == "min_items":
			out = min(out, ordered(bound, inner))
		case key == "max" || key == "max_length" || key == "max_items":
			out = min(out, ordered(inner, bound))
		default:
			return no
		}
	}
	return out
}

func flagged(n *yaml.Node, key string) bool {
	v := member(n, key)
	return v != nil && v.Value == "true"
}

// ordered reports whether a is at most b.
func ordered(a, b *yaml.Node) proved {
	x, errX := numberOf(a)
	y, errY := numberOf(b)
	if errX != nil || errY != nil {
		return no
	}
	if order, ok := canon.CompareNumbers(x, y); ok && order <= 0 {
		return yes
	}
	return no
}

func numberOf(n *yaml.Node) (access.Value, error) {
	text, err := scalarJSON(n)
	if err != nil {
		return access.Value{}, err
	}
	return canon.Parse(text, canon.DefaultLimits())
}
