package policy

import (
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// field is one key of a mapping with its value.
type field struct {
	name string
	key  *yaml.Node
	node *yaml.Node
}

// fields returns the members of a mapping. what says where it stands, "a rule".
func (r *reader) fields(n *yaml.Node, what string) []field {
	if n.Kind != yaml.MappingNode {
		r.err(n, "", "%s is written as KEY: VALUE pairs", what)
		return nil
	}
	out := make([]field, 0, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		out = append(out, field{n.Content[i].Value, n.Content[i], n.Content[i+1]})
	}
	return out
}

// unknown reports a key that does not belong where it stands.
func (r *reader) unknown(f field, what string, known []string) {
	r.err(f.key, suggest(f.name, known), "unknown key %s in %s", show(f.name), what)
}

// unsupported reports a key of the language that this version cannot evaluate.
// Ignoring it would make the policy mean something else.
func (r *reader) unsupported(f field) {
	r.err(f.key, "", "%s is not supported by this version of Custos", show(f.name))
}

// text returns a string.
func (r *reader) text(n *yaml.Node, what string) string {
	if n.Kind != yaml.ScalarNode || !isText(n) {
		r.err(n, "quote it", "%s is text", what)
		return ""
	}
	if strings.TrimSpace(n.Value) == "" {
		r.err(n, "", "%s is empty", what)
	}
	return n.Value
}

// isText reports whether a scalar is a string. YAML reads some dates as dates;
// here they are text.
func isText(n *yaml.Node) bool {
	t := n.ShortTag()
	return t == "!!str" || t == "!!timestamp"
}

// scalar returns the text of any scalar but null: versions may be numbers.
func (r *reader) scalar(n *yaml.Node, what string) string {
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" || n.Value == "" {
		r.err(n, "", "%s is one word", what)
		return ""
	}
	return n.Value
}

// flag returns true or false.
func (r *reader) flag(n *yaml.Node, what string) bool {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" {
		r.err(n, "", "%s is true or false", what)
		return false
	}
	return strings.EqualFold(n.Value, "true")
}

// number returns a count that is at least least.
func (r *reader) number(n *yaml.Node, what string, least int) int {
	v, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" || err != nil || v < least {
		r.err(n, "", "%s is a whole number, at least %d", what, least)
		return least
	}
	return v
}

// choice returns one of the words.
func (r *reader) choice(n *yaml.Node, what string, words ...string) string {
	for _, w := range words {
		if n.Kind == yaml.ScalarNode && n.Value == w {
			return w
		}
	}
	if len(words) == 1 {
		r.err(n, "", "%s can only be %s", what, words[0])
		return ""
	}
	r.err(n, suggest(n.Value, words), "%s is one of %s", what, strings.Join(words, ", "))
	return ""
}

// duration returns a length of time such as 10m, 1h30m or 30d.
func (r *reader) duration(n *yaml.Node, what string) time.Duration {
	text, day := n.Value, time.Duration(1)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		text, day = days+"h", 24
	}
	d, err := time.ParseDuration(text)
	if n.Kind != yaml.ScalarNode || err != nil || d <= 0 || d > 10*366*24*time.Hour/day {
		r.err(n, "", "%s is a length of time such as 45s, 10m, 8h or 30d", what)
		return 0
	}
	return d * day
}

// word is one entry of a list, with where it was written.
type word struct {
	text string
	node *yaml.Node
}

// words returns the strings of a list, or the one string, with $names replaced
// by the lists they stand for.
func (r *reader) words(n *yaml.Node, what string) []word {
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		r.err(n, "leave the key out", "%s is an empty list, which nothing can match", what)
		return nil
	}
	return r.expand(n, what, nil)
}

// expand appends the strings below n. used are the names that lead here.
func (r *reader) expand(n *yaml.Node, what string, used []string) []word {
	switch {
	case n.Kind == yaml.SequenceNode:
		var out []word
		for _, c := range n.Content {
			if c.Kind == yaml.SequenceNode {
				r.err(c, "", "%s is a plain list, without lists in it", what)
				continue
			}
			out = append(out, r.expand(c, what, used)...)
		}
		return out
	case n.Kind == yaml.ScalarNode && isText(n) && strings.HasPrefix(n.Value, "$"):
		return r.named(n, what, used)
	case n.Kind == yaml.ScalarNode && isText(n) && n.Value != "":
		return []word{{n.Value, n}}
	case n.Kind == yaml.ScalarNode && n.Value != "" && n.ShortTag() != "!!null":
		r.err(n, "quote it", "%s holds text, and %s is a %s", what, show(n.Value), strings.TrimPrefix(n.ShortTag(), "!!"))
	default:
		r.err(n, "", "%s is a list of words", what)
	}
	return nil
}
