package proof

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/internal/spell"
	"github.com/custos-zt/custos/policy"
)

// form reads the parts of a YAML file strictly and notes what is wrong.
type form struct {
	file     string
	problems []policy.Problem
}

// err notes an error at a node.
func (f *form) err(n *yaml.Node, hint, format string, args ...any) {
	f.problems = append(f.problems, policy.Problem{
		File: f.file, Line: max(n.Line, 1), Column: max(n.Column, 1), Message: fmt.Sprintf(format, args...), Hint: hint,
	})
}

// fields returns the members of a mapping by key and reports those that are
// not known.
func (f *form) fields(n *yaml.Node, what string, known []string) map[string]*yaml.Node {
	out := map[string]*yaml.Node{}
	if n.Kind != yaml.MappingNode {
		f.err(n, "", "%s is written as KEY: VALUE pairs", what)
		return out
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		found := false
		for _, k := range known {
			found = found || k == key.Value
		}
		if !found {
			f.err(key, near(key.Value, known), "unknown key %q in %s", key.Value, what)
			continue
		}
		out[key.Value] = n.Content[i+1]
	}
	return out
}

// near is the hint for a misspelt word, or "".
func near(word string, known []string) string {
	if s, ok := spell.Nearest(word, known); ok {
		return fmt.Sprintf("did you mean %q?", s)
	}
	return ""
}

// text returns a scalar that is not empty.
func (f *form) text(n *yaml.Node, what string) string {
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" || n.Value == "" {
		f.err(n, "", "%s is text", what)
		return ""
	}
	return n.Value
}

// texts returns the strings of a list, or the one string.
func (f *form) texts(n *yaml.Node, what string) []string {
	if n.Kind != yaml.SequenceNode {
		return []string{f.text(n, what)}
	}
	if len(n.Content) == 0 {
		f.err(n, "", "%s is an empty list", what)
	}
	var out []string
	for _, c := range n.Content {
		out = append(out, f.text(c, what))
	}
	return out
}

// member returns the value of a key of a mapping, or nil.
func member(n *yaml.Node, key string) *yaml.Node {
	if i := memberAt(n, key); i >= 0 {
		return n.Content[i+1]
	}
	return nil
}

// memberAt returns where a key of a mapping stands in its content, or -1.
func memberAt(n *yaml.Node, key string) int {
	if n == nil || n.Kind != yaml.MappingNode {
		return -1
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return i
		}
	}
	return -1
}
