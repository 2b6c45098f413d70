package importer

import (
	"errors"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// parseTOML reads one TOML document. The decoder judges it, duplicate keys
// included; the parser below it gives the positions.
func (r *reader) parseTOML(data []byte) *node {
	var judged map[string]any
	if err := toml.Unmarshal(data, &judged); err != nil {
		at := pos{1, 1}
		var where *toml.DecodeError
		if errors.As(err, &where) {
			at.line, at.column = where.Position()
		}
		r.err(at, "this is not TOML: %s", strings.TrimPrefix(err.Error(), "toml: "))
		return nil
	}
	p := &tomlParser{reader: r, lines: newLines(data)}
	p.Reset(data)
	root := &node{pos: pos{1, 1}, kind: object}
	table := root
	for p.NextExpression() {
		e := p.Expression()
		ok := true
		switch e.Kind {
		case unstable.Table:
			table, ok = p.walk(root, p.key(e.Key()))
		case unstable.ArrayTable:
			table, ok = p.element(root, p.key(e.Key()))
		case unstable.KeyValue:
			ok = p.assign(table, e, 0)
		default: // a comment
		}
		if !ok {
			return nil
		}
	}
	return root
}

type tomlParser struct {
	unstable.Parser
	reader *reader
	lines  *lines
}

func (p *tomlParser) at(n *unstable.Node) pos {
	return p.lines.position(int(n.Raw.Offset))
}

// key returns the parts of a dotted key.
func (p *tomlParser) key(it unstable.Iterator) []field {
	var out []field
	for it.Next() {
		out = append(out, field{pos: p.at(it.Node()), name: string(it.Node().Data)})
	}
	return out
}

// walk follows a dotted key to its table, and makes the tables that are
// missing. Of a list of tables it is the last.
func (p *tomlParser) walk(n *node, key []field) (*node, bool) {
	for _, k := range key {
		next := n.get(k.name)
		if next == nil {
			next = &node{pos: k.pos, kind: object}
			n.fields = append(n.fields, field{k.pos, k.name, next})
		}
		if next.kind == list && len(next.items) > 0 {
			next = next.items[len(next.items)-1]
		}
		if next.kind != object {
			p.reader.err(k.pos, "%s is a value, and here a table", show(k.name))
			return nil, false
		}
		n = next
	}
	return n, true
}

// element appends to a list of tables.
func (p *tomlParser) element(root *node, key []field) (*node, bool) {
	last := key[len(key)-1]
	n, ok := p.walk(root, key[:len(key)-1])
	if !ok {
		return nil, false
	}
	tables := n.get(last.name)
	if tables == nil {
		tables = &node{pos: last.pos, kind: list}
		n.fields = append(n.fields, field{last.pos, last.name, tables})
	}
	if tables.kind != list {
		p.reader.err(last.pos, "%s is a value, and here a list of tables", show(last.name))
		return nil, false
	}
	table := &node{pos: last.pos, kind: object}
	tables.items = append(tables.items, table)
	return table, true
}

// assign sets a key of a table.
func (p *tomlParser) assign(table *node, e *unstable.Node, depth int) bool {
	key := p.key(e.Key())
	last := key[len(key)-1]
	n, ok := p.walk(table, key[:len(key)-1])
	if !ok {
		return false
	}
	v, ok := p.value(e.Value(), last.pos, depth+1)
	n.fields = append(n.fields, field{last.pos, last.name, v})
	return ok
}

// value converts a value. Arrays and inline tables have no place of their own
// in the tree, and take that of their key.
func (p *tomlParser) value(v *unstable.Node, at pos, depth int) (*node, bool) {
	n := &node{pos: at, value: string(v.Data)}
	if depth > maxNesting {
		p.reader.err(at, "nested deeper than %d levels", maxNesting)
		return n, false
	}
	ok := true
	switch v.Kind {
	case unstable.Array:
		n.kind = list
		for it := v.Children(); it.Next(); {
			if it.Node().Kind == unstable.Comment {
				continue
			}
			item, good := p.value(it.Node(), at, depth+1)
			n.items = append(n.items, item)
			ok = ok && good
		}
	case unstable.InlineTable:
		n.kind = object
		for it := v.Children(); it.Next(); {
			if it.Node().Kind == unstable.KeyValue {
				ok = p.assign(n, it.Node(), depth) && ok
			}
		}
	case unstable.String:
		n.kind, n.pos = text, p.at(v)
	case unstable.Bool:
		n.kind, n.pos = boolean, p.at(v)
	case unstable.Integer, unstable.Float:
		n.kind, n.pos, n.value = number, p.at(v), strings.ReplaceAll(n.value, "_", "")
	default:
		n.kind, n.pos = moment, p.at(v)
	}
	return n, ok
}
