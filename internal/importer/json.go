package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"
)

// parseJSON reads one JSON document.
func (r *reader) parseJSON(data []byte) *node {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	p := &jsonParser{reader: r, data: data, lines: newLines(data), dec: json.NewDecoder(bytes.NewReader(data))}
	p.dec.UseNumber()
	if !utf8.Valid(data) {
		r.err(pos{1, 1}, "this is not JSON: it is not UTF-8")
		return nil
	}
	n, ok := p.value(0)
	if !ok {
		return nil
	}
	if _, err := p.dec.Token(); !errors.Is(err, io.EOF) {
		r.err(p.lines.position(p.next()), "this is not JSON: something follows the document")
		return nil
	}
	return n
}

// jsonParser reads tokens with their positions.
type jsonParser struct {
	*reader
	data  []byte
	dec   *json.Decoder
	lines *lines
}

// next is the offset of the next token.
func (p *jsonParser) next() int {
	i := int(p.dec.InputOffset())
	for i < len(p.data) && bytes.IndexByte([]byte(" \t\r\n,:"), p.data[i]) >= 0 {
		i++
	}
	return i
}

// token returns the next token and where it stands.
func (p *jsonParser) token() (json.Token, pos, bool) {
	at := p.lines.position(p.next())
	t, err := p.dec.Token()
	if err == nil {
		return t, at, true
	}
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		p.err(p.lines.position(max(int(syntax.Offset)-1, 0)), "this is not JSON: %v", err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		p.err(p.lines.position(len(p.data)), "this is not JSON: it ends too early")
	default:
		p.err(at, "this is not JSON: %v", err)
	}
	return nil, at, false
}

func (p *jsonParser) value(depth int) (*node, bool) {
	t, at, ok := p.token()
	n := &node{pos: at}
	if !ok {
		return n, false
	}
	if depth > maxNesting {
		p.err(at, "nested deeper than %d levels", maxNesting)
		return n, false
	}
	switch v := t.(type) {
	case nil:
		n.kind = null
	case bool:
		n.kind, n.value = boolean, map[bool]string{true: "true", false: "false"}[v]
	case json.Number:
		n.kind, n.value = number, v.String()
	case string:
		n.kind, n.value = text, v
	case json.Delim:
		if v == '[' {
			return n, p.array(n, depth)
		}
		return n, v == '{' && p.object(n, depth)
	}
	return n, true
}

func (p *jsonParser) array(n *node, depth int) bool {
	n.kind = list
	ok := true
	for p.dec.More() {
		item, good := p.value(depth + 1)
		n.items = append(n.items, item)
		if ok = good; !ok {
			return false
		}
	}
	_, _, end := p.token()
	return ok && end
}

func (p *jsonParser) object(n *node, depth int) bool {
	n.kind = object
	seen := map[string]int{}
	for p.dec.More() {
		t, at, ok := p.token()
		key, isKey := t.(string)
		if !ok || !isKey {
			return false
		}
		v, ok := p.value(depth + 1)
		if !ok {
			return false
		}
		if first, dup := seen[key]; dup {
			p.err(at, "the key %s stands twice, first in line %d", show(key), first)
			continue
		}
		seen[key] = at.line
		n.fields = append(n.fields, field{at, key, v})
	}
	_, _, end := p.token()
	return end
}
