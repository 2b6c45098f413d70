package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

// source reads a whole file.
func (r *reader) source(data []byte) {
	root := r.parse(data)
	if root == nil || !r.strict(root, 0) {
		return
	}
	r.top(root)
}

// parse returns what the file holds, in the format that its name says: .toml,
// .json, and YAML under every other name.
func (r *reader) parse(data []byte) *yaml.Node {
	if len(data) > maxSource {
		r.at(1, 1, "", "the file is larger than %d MiB", maxSource>>20)
		return nil
	}
	switch {
	case isTOML(r.file):
		return r.parseTOML(data)
	case isJSON(r.file):
		return r.parseJSON(data)
	}
	return r.parseYAML(data)
}

// parseYAML returns the one document of a YAML file.
func (r *reader) parseYAML(data []byte) *yaml.Node {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		r.at(1, 1, "", "the file holds no policy")
		return nil
	case err != nil:
		r.syntax(data, err)
		return nil
	}
	switch err := dec.Decode(&more); {
	case errors.Is(err, io.EOF):
	case err != nil:
		r.syntax(data, err)
		return nil
	default:
		r.at(max(more.Line, 1), max(more.Column, 1), "put the second in a file of its own", "a policy file holds one document")
		return nil
	}
	if len(doc.Content) != 1 {
		r.at(1, 1, "", "the file holds no policy")
		return nil
	}
	return doc.Content[0]
}

var (
	yamlLine   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^line (\d+): `) })
	yamlAnchor = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^unknown anchor '(.*)' referenced$`) })
	// unquoted is a value that begins with a character YAML keeps for itself.
	unquoted = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile("(?:^|[-:,\\[{]\\s*)([*@!&%`])") })
)

const quoteHint = "quote values that start with *, @, ! or &"

// syntax reports an error of the YAML parser.
func (r *reader) syntax(data []byte, err error) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	lines := strings.Split(string(data), "\n")
	line := 1
	if m := yamlLine().FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
	} else if m := yamlAnchor().FindStringSubmatch(text); m != nil {
		for i, l := range lines {
			if strings.Contains(l, "*"+m[1]) {
				line = i + 1
				break
			}
		}
	}
	line = min(max(line, 1), len(lines))
	column, hint := 1, ""
	for i := line; i >= max(line-1, 1); i-- {
		// The parser stops behind what it could not read.
		if m := unquoted().FindStringSubmatchIndex(lines[i-1]); m != nil {
			line, column, hint = i, m[2]+1, quoteHint
			break
		}
	}
	r.at(line, column, hint, "this is not YAML: %s", text)
}

// maxNesting is how deep a policy file may be nested.
const maxNesting = 64

// strict refuses what YAML allows and a policy must not hold. It reports
// whether the tree can be read at all.
func (r *reader) strict(n *yaml.Node, depth int) bool {
	switch {
	case depth > maxNesting:
		r.err(n, "", "nested deeper than %d levels", maxNesting)
		return false
	case n.Kind == yaml.AliasNode:
		r.err(n, "define: names a list, $name uses it; "+quoteHint, "YAML aliases are not used in policies")
		return false
	case n.Anchor != "":
		r.err(n, "define: names a list, $name uses it; "+quoteHint, "YAML anchors are not used in policies")
		return false
	case strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!"), n.Style&yaml.TaggedStyle != 0:
		r.err(n, quoteHint, "YAML tags are not used in policies")
		return false
	}
	ok := true
	for _, c := range n.Content {
		ok = r.strict(c, depth+1) && ok
	}
	if n.Kind == yaml.MappingNode {
		ok = r.keys(n) && ok
	}
	return ok
}

// keys refuses keys that are no text and keys that stand twice.
func (r *reader) keys(n *yaml.Node) bool {
	var seen map[string]int // of a large mapping; in a small one looking is faster
	if len(n.Content) > 2*fewKeys {
		seen = make(map[string]int, len(n.Content)/2)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind != yaml.ScalarNode {
			r.err(k, "", "a key is one word")
			return false
		}
		first, dup := seen[k.Value]
		for j := 0; seen == nil && j < i && !dup; j += 2 {
			first, dup = n.Content[j].Line, n.Content[j].Value == k.Value
		}
		switch {
		case dup:
			r.err(k, "", "the key %s stands twice, first in line %d", show(k.Value), first)
		case seen != nil:
			seen[k.Value] = k.Line
		}
	}
	return true
}

// fewKeys is how many keys are compared with each other.
const fewKeys = 16

// at notes an error at a position.
func (r *reader) at(line, column int, hint, format string, args ...any) {
	r.problems = append(r.problems, Problem{File: r.file, Line: line, Column: column, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// err notes an error at a node.
func (r *reader) err(n *yaml.Node, hint, format string, args ...any) {
	r.at(max(n.Line, 1), max(n.Column, 1), hint, format, args...)
}

// warn notes a warning at a node.
func (r *reader) warn(n *yaml.Node, hint, format string, args ...any) {
	r.err(n, hint, format, args...)
	r.problems[len(r.problems)-1].Severity = Warning
}

// show quotes a piece of the file, in short.
func show(s string) string {
	if len(s) > 80 {
		s = strings.ToValidUTF8(s[:80], "") + "…"
	}
	return strconv.Quote(s)
}
