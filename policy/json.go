package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// isJSON reports whether a source is JSON: its name says so. Most JSON is YAML
// as well, but not all: YAML knows neither \/ nor the two halves of a
// character beyond the first 65,536.
func isJSON(name string) bool { return strings.HasSuffix(strings.ToLower(name), ".json") }

// parseJSON reads a JSON file into the tree that a YAML file gives.
func (r *reader) parseJSON(data []byte) *yaml.Node {
	j := &jsonTree{text: newText(data), dec: json.NewDecoder(bytes.NewReader(data))}
	j.dec.UseNumber()
	root, err := j.value(0)
	if err == nil {
		if _, more := j.dec.Token(); !errors.Is(more, io.EOF) {
			j.at, err = j.next(), errors.New("something stands behind the policy")
		}
	}
	switch {
	case errors.Is(err, io.EOF) && root == nil && len(bytes.TrimSpace(data)) == 0:
		r.at(1, 1, "", "the file holds no policy")
		return nil
	case err != nil:
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			j.at = max(int(syntax.Offset)-1, 0)
		}
		line, column := j.position(j.at)
		r.at(line, column, "", "this is not JSON: %s", strings.TrimPrefix(err.Error(), "json: "))
		return nil
	}
	return root
}

// text knows the positions of a file.
type text struct {
	data  []byte
	lines []int // where each line starts
	// The last position that was asked for: the next is near it, and a file may
	// be one long line.
	lastOffset, lastLine, lastColumn int
}

func newText(data []byte) text {
	t := text{data: data, lines: []int{0}}
	for i, c := range data {
		if c == '\n' {
			t.lines = append(t.lines, i+1)
		}
	}
	return t
}

// position is the line and the column of an offset, in characters from 1.
func (t *text) position(offset int) (line, column int) {
	offset = min(offset, len(t.data))
	low, high := 0, len(t.lines) // the last line that starts at or before offset
	for high-low > 1 {
		if middle := (low + high) / 2; t.lines[middle] <= offset {
			low = middle
		} else {
			high = middle
		}
	}
	switch {
	case t.lastLine != low+1:
		column = utf8.RuneCount(t.data[t.lines[low]:offset]) + 1
	case offset >= t.lastOffset:
		column = t.lastColumn + utf8.RuneCount(t.data[t.lastOffset:offset])
	default:
		column = max(t.lastColumn-utf8.RuneCount(t.data[offset:t.lastOffset]), 1)
	}
	t.lastOffset, t.lastLine, t.lastColumn = offset, low+1, column
	return low + 1, column
}

// node makes a node at an offset.
func (t *text) node(kind yaml.Kind, tag string, offset int) *yaml.Node {
	line, column := t.position(offset)
	return &yaml.Node{Kind: kind, Tag: tag, Line: line, Column: column}
}

// jsonTree builds YAML nodes from JSON tokens.
type jsonTree struct {
	text
	dec *json.Decoder
	at  int // where the last token begins
}

// next is where the next token begins.
func (j *jsonTree) next() int {
	at := int(j.dec.InputOffset())
	for at < len(j.data) && strings.IndexByte(" \t\r\n,:", j.data[at]) >= 0 {
		at++
	}
	return at
}

func (j *jsonTree) token() (json.Token, error) {
	j.at = j.next()
	t, err := j.dec.Token()
	if errors.Is(err, io.EOF) && j.at > 0 {
		err = errors.New("it ends too early")
	}
	return t, err //nolint:wrapcheck // the message of the parser is what the author needs
}

// value reads one value.
func (j *jsonTree) value(depth int) (*yaml.Node, error) {
	t, err := j.token()
	if err != nil {
		return nil, err
	}
	if depth > maxNesting {
		return nil, errors.New("it is nested too deep")
	}
	n := j.node(yaml.ScalarNode, "", j.at)
	switch t := t.(type) {
	case json.Delim:
		n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
		if t == '{' {
			n.Kind, n.Tag = yaml.MappingNode, "!!map"
		}
		return n, j.members(n, depth)
	case string:
		n.Tag, n.Value = "!!str", t
		if strings.ContainsRune(t, utf8.RuneError) {
			return nil, errors.New("a text holds a character that is none")
		}
	case json.Number:
		n.Tag, n.Value = "!!int", t.String()
		if strings.ContainsAny(n.Value, ".eE") {
			n.Tag = "!!float"
		}
	case bool:
		n.Tag, n.Value = "!!bool", "false"
		if t {
			n.Value = "true"
		}
	default:
		n.Tag, n.Value = "!!null", "null"
	}
	return n, nil
}

// members reads what stands in a list or an object: of an object keys and
// values in turn.
func (j *jsonTree) members(n *yaml.Node, depth int) error {
	for j.dec.More() {
		c, err := j.value(depth + 1)
		if err != nil {
			return err
		}
		n.Content = append(n.Content, c)
	}
	_, err := j.token() // the closing bracket
	return err
}
