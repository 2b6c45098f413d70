package policy

import (
	"errors"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
	"go.yaml.in/yaml/v3"
)

// isTOML reports whether a source is TOML: its name says so.
func isTOML(name string) bool { return strings.HasSuffix(strings.ToLower(name), ".toml") }

// parseTOML reads a TOML file into the tree that a YAML file gives, so that one
// reader serves both.
func (r *reader) parseTOML(data []byte) *yaml.Node {
	t := &tomlTree{reader: r, text: newText(data), index: map[*yaml.Node]map[string]*yaml.Node{}}
	root := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: 1, Column: 1}
	t.parser.Reset(data)
	table := root
	for t.parser.NextExpression() {
		e := t.parser.Expression()
		if n := keyLength(e.Key()); n > maxNesting {
			r.err(t.node(yaml.ScalarNode, "", t.start(e.Key())), "", "nested deeper than %d levels", maxNesting)
			return nil
		}
		switch e.Kind {
		case unstable.Table:
			table = t.table(root, e)
		case unstable.ArrayTable:
			table = t.element(root, e)
		case unstable.KeyValue:
			t.assign(table, e, 0)
		default:
		}
	}
	if err := t.parser.Error(); err != nil {
		var where *unstable.ParserError
		at := root
		if errors.As(err, &where) && len(where.Highlight) > 0 {
			at = t.node(yaml.ScalarNode, "", int(t.parser.Range(where.Highlight).Offset))
		}
		r.err(at, "", "this is not TOML: %s", err.Error())
		return nil
	}
	switch {
	case !t.twice && !r.validTOML(data):
		return nil
	case len(root.Content) == 0:
		r.at(1, 1, "", "the file holds no policy")
		return nil
	}
	return root
}

// validTOML applies the rules of TOML that its grammar does not hold: which
// table may be opened twice, which dates and numbers there are.
func (r *reader) validTOML(data []byte) bool {
	var all map[string]any
	err := toml.Unmarshal(data, &all)
	if err == nil {
		return true
	}
	line, column := 1, 1
	var where *toml.DecodeError
	if errors.As(err, &where) {
		line, column = where.Position()
	}
	r.at(max(line, 1), max(column, 1), "", "this is not TOML: %s", strings.TrimPrefix(err.Error(), "toml: "))
	return false
}

// tomlTree builds YAML nodes from TOML expressions.
type tomlTree struct {
	*reader
	text
	parser unstable.Parser
	// index finds the members of a mapping; the nodes of inline values and of
	// scalars are not in it, because nothing can be added to them.
	index map[*yaml.Node]map[string]*yaml.Node
	twice bool // a key stands twice: the strict reader says so, as in YAML
}

func keyLength(key unstable.Iterator) int {
	n := 0
	for key.Next() {
		n++
	}
	return n
}

// start is where a key begins.
func (t *tomlTree) start(key unstable.Iterator) int {
	if !key.Next() {
		return 0
	}
	return int(key.Node().Raw.Offset)
}

// header is where the brackets in front of a key begin.
func (t *tomlTree) header(key unstable.Iterator) int {
	at := t.start(key)
	for at > 0 && strings.IndexByte(" \t[", t.data[at-1]) >= 0 {
		at--
	}
	for at < len(t.data) && t.data[at] != '[' {
		at++
	}
	return at
}

// member appends a key and its value, whatever stands there already.
func (t *tomlTree) member(table *yaml.Node, part *unstable.Node, value *yaml.Node) {
	key := t.node(yaml.ScalarNode, "!!str", int(part.Raw.Offset))
	key.Value = string(part.Data)
	if _, dup := t.index[table][key.Value]; dup {
		t.twice = true
	}
	table.Content = append(table.Content, key, value)
	if t.index[table] == nil {
		t.index[table] = map[string]*yaml.Node{}
	}
	t.index[table][key.Value] = value
}

// descend returns the table below a part of a key, made where it is missing.
// Of an array of tables that is the last one.
func (t *tomlTree) descend(table *yaml.Node, part *unstable.Node, offset int) *yaml.Node {
	below := t.index[table][string(part.Data)]
	if below != nil && below.Kind == yaml.SequenceNode && len(below.Content) > 0 {
		below = below.Content[len(below.Content)-1]
	}
	if below != nil && below.Kind == yaml.MappingNode {
		return below
	}
	made := t.node(yaml.MappingNode, "!!map", offset)
	t.member(table, part, made)
	return made
}

// table opens [a.b].
func (t *tomlTree) table(root *yaml.Node, e *unstable.Node) *yaml.Node {
	at, offset := root, t.header(e.Key())
	for key := e.Key(); key.Next(); {
		at = t.descend(at, key.Node(), offset)
	}
	return at
}

// element opens a new table of the array [[a.b]].
func (t *tomlTree) element(root *yaml.Node, e *unstable.Node) *yaml.Node {
	at, offset := root, t.header(e.Key())
	key := e.Key()
	for key.Next() && !key.IsLast() {
		at = t.descend(at, key.Node(), offset)
	}
	last := key.Node()
	list := t.index[at][string(last.Data)]
	if list == nil || list.Kind != yaml.SequenceNode {
		list = t.node(yaml.SequenceNode, "!!seq", offset)
		t.member(at, last, list)
	}
	made := t.node(yaml.MappingNode, "!!map", offset)
	list.Content = append(list.Content, made)
	return made
}

// assign reads a.b = value and returns where it ends.
func (t *tomlTree) assign(table *yaml.Node, e *unstable.Node, depth int) int {
	at, offset := table, t.start(e.Key())
	key := e.Key()
	for key.Next() && !key.IsLast() {
		at = t.descend(at, key.Node(), offset)
	}
	last := key.Node()
	from := t.skip(int(last.Raw.Offset+last.Raw.Length), " \t=")
	value, end := t.value(e.Value(), from, depth+1)
	t.member(at, last, value)
	return end
}

// value turns a value that begins at from into a node, and returns where it
// ends: of lists and tables the parser keeps no place.
func (t *tomlTree) value(v *unstable.Node, from, depth int) (*yaml.Node, int) {
	switch {
	case depth > maxNesting+1: // the strict reader refuses the file at this node
		return t.node(yaml.ScalarNode, "!!str", from), from
	case v.Kind == unstable.Array:
		n := t.node(yaml.SequenceNode, "!!seq", from)
		end := from + 1
		for it := v.Children(); it.Next(); {
			var c *yaml.Node
			c, end = t.value(it.Node(), t.skip(end, " \t\r\n,"), depth+1)
			n.Content = append(n.Content, c)
		}
		return n, t.skip(end, " \t\r\n,") + 1
	case v.Kind == unstable.InlineTable:
		n := t.node(yaml.MappingNode, "!!map", from)
		end := from + 1
		for it := v.Children(); it.Next(); {
			end = t.assign(n, it.Node(), depth+1)
		}
		return n, t.skip(end, " \t\r\n,") + 1
	default:
		n := t.node(yaml.ScalarNode, scalarTag(v.Kind), int(v.Raw.Offset))
		n.Value = string(v.Data)
		if v.Kind == unstable.Integer || v.Kind == unstable.Float {
			// As YAML and JSON write it.
			n.Value = strings.TrimPrefix(strings.ReplaceAll(n.Value, "_", ""), "+")
		}
		return n, int(v.Raw.Offset + v.Raw.Length)
	}
}

// skip moves over the given characters, and over comments where lines may end.
func (t *tomlTree) skip(at int, over string) int {
	for at < len(t.data) {
		switch c := t.data[at]; {
		case strings.IndexByte(over, c) >= 0:
			at++
		case c == '#' && strings.Contains(over, "\n"):
			for at < len(t.data) && t.data[at] != '\n' {
				at++
			}
		default:
			return at
		}
	}
	return max(at-1, 0)
}

// scalarTag is the YAML type of a scalar. Dates are text in a policy.
func scalarTag(k unstable.Kind) string {
	switch k {
	case unstable.Bool:
		return "!!bool"
	case unstable.Integer:
		return "!!int"
	case unstable.Float:
		return "!!float"
	case unstable.LocalDate, unstable.LocalTime, unstable.LocalDateTime, unstable.DateTime:
		return "!!timestamp"
	default:
		return "!!str"
	}
}
