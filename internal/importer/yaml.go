package importer

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

var yamlLine = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^line (\d+): `) })

// maxNesting is how deep a source may be nested.
const maxNesting = 64

// parseYAML reads one YAML document.
func (r *reader) parseYAML(data []byte) *node {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); err != nil {
		r.yamlError(err)
		return nil
	}
	switch err := dec.Decode(&more); {
	case errors.Is(err, io.EOF):
	case err != nil:
		r.yamlError(err)
		return nil
	default:
		r.err(pos{more.Line, more.Column}, "the file holds a second document: put it in a file of its own")
		return nil
	}
	if len(doc.Content) != 1 {
		r.err(pos{1, 1}, "the file holds no policy")
		return nil
	}
	n, ok := r.fromYAML(doc.Content[0], 0)
	if !ok {
		return nil
	}
	return n
}

func (r *reader) yamlError(err error) {
	if errors.Is(err, io.EOF) {
		r.err(pos{1, 1}, "the file holds no policy")
		return
	}
	text, line := strings.TrimPrefix(err.Error(), "yaml: "), 1
	if m := yamlLine().FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
	}
	r.err(pos{line, 1}, "this is not YAML: %s", text)
}

// fromYAML converts a node. It reports false where the tree cannot be used.
func (r *reader) fromYAML(y *yaml.Node, depth int) (*node, bool) {
	n := &node{pos: pos{y.Line, y.Column}}
	switch {
	case depth > maxNesting:
		r.err(n.pos, "nested deeper than %d levels", maxNesting)
		return n, false
	case y.Kind == yaml.AliasNode || y.Anchor != "":
		r.err(n.pos, "anchors and aliases are not imported: write the value out")
		return n, false
	case y.Style&yaml.TaggedStyle != 0:
		r.err(n.pos, "tags are not imported: quote values that begin with !")
		return n, false
	}
	switch y.Kind {
	case yaml.MappingNode:
		return n, r.yamlFields(n, y, depth)
	case yaml.SequenceNode:
		n.kind = list
		ok := true
		for _, c := range y.Content {
			item, good := r.fromYAML(c, depth+1)
			n.items = append(n.items, item)
			ok = ok && good
		}
		return n, ok
	default:
		return n, r.yamlScalar(n, y)
	}
}

func (r *reader) yamlFields(n *node, y *yaml.Node, depth int) bool {
	n.kind = object
	seen, ok := map[string]int{}, true
	for i := 0; i+1 < len(y.Content); i += 2 {
		k := y.Content[i]
		at := pos{k.Line, k.Column}
		if k.Kind != yaml.ScalarNode || k.Tag == "!!merge" {
			r.err(at, "a key is one word")
			return false
		}
		if first, dup := seen[k.Value]; dup {
			r.err(at, "the key %s stands twice, first in line %d", show(k.Value), first)
			continue
		}
		seen[k.Value] = k.Line
		ok = r.yamlScalar(&node{pos: at}, k) && ok
		v, good := r.fromYAML(y.Content[i+1], depth+1)
		n.fields = append(n.fields, field{at, k.Value, v})
		ok = ok && good
	}
	return ok
}

var (
	jsonNumber = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$`)
	})
	// otherYAML matches plain words that YAML 1.1, which the original readers
	// speak, takes for something else than YAML 1.2 does.
	otherYAML = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(?i:yes|no|on|off)$|^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$|^[-+]?[0-9][0-9_]*_[0-9_]*$`)
	})
)

// yamlScalar reads text, a number, true, false or null.
func (r *reader) yamlScalar(n *node, y *yaml.Node) bool {
	n.value = y.Value
	quoted := y.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
	if !quoted && otherYAML().MatchString(y.Value) {
		r.err(n.pos, "%s is text to one reader of YAML and true, false or a number to another: quote it", show(y.Value))
	}
	switch y.ShortTag() {
	case "!!null":
		n.kind = null
	case "!!bool":
		n.kind, n.value = boolean, strings.ToLower(y.Value)
	case "!!int", "!!float":
		n.kind = number
		if !jsonNumber().MatchString(y.Value) {
			r.err(n.pos, "%s is a number to some readers of YAML only: write it in plain decimals, or quote it", show(y.Value))
		}
	case "!!timestamp", "!!str":
		n.kind = text
	default:
		r.err(n.pos, "values are text, numbers, true, false or null")
		return false
	}
	return true
}
