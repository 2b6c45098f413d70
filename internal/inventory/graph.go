package inventory

import (
	"errors"
	"fmt"
	"net/url"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"

	"github.com/custos-zt/custos/access"
)

// Caps of a schema that is judged. The largest input schema of a public server
// that was measured has some hundred subschemas.
const (
	maxSchemaBytes  = 512 << 10
	maxSubschemas   = 2_000
	maxProgram      = 50_000 // instructions of all its regular expressions
	maxPatternBytes = 1_000  // of one regular expression
)

// graph is a schema taken apart: which subschemas are applied to the value
// that a schema judges, which to that value's members or items, and what one
// judgement costs. It exists to bound the work of judging before it is done,
// and to build the document that is compiled.
type graph struct {
	nodes   []node
	at      map[string]int // JSON pointer -> node
	refs    []reference
	program int
}

type node struct {
	inPlace []int // allOf, anyOf, $ref, if, …: judge the same value
	named   []int // properties: at most one of them judges a member
	every   []int // items, patternProperties, …: each may judge a member
	weight  float64
	program float64 // regular expressions applied to the value or its keys
}

type reference struct {
	from   int
	target string
}

// place says how the value of a keyword holds subschemas.
type place uint8

const (
	plain         place = iota // no subschema: data
	oneInPlace                 // one schema for the same value
	listInPlace                // several
	mapInPlace                 // several, by name
	oneBelow                   // one schema for members or items
	oneOrListItem              // one or several for items
	mapNamed                   // properties
	mapPattern                 // patternProperties
	defined                    // reachable by $ref only
)

// placeOf knows the keywords that hold subschemas in any of the drafts that
// are judged.
func placeOf(keyword string) place {
	switch keyword {
	case "not", "if", "then", "else":
		return oneInPlace
	case "allOf", "anyOf", "oneOf":
		return listInPlace
	case "dependentSchemas", "dependencies":
		return mapInPlace
	case "additionalProperties", "unevaluatedProperties", "propertyNames",
		"additionalItems", "unevaluatedItems", "contains":
		return oneBelow
	case "items", "prefixItems":
		return oneOrListItem
	case "properties":
		return mapNamed
	case "patternProperties":
		return mapPattern
	case "$defs", "definitions":
		return defined
	default:
		return plain
	}
}

// explore takes a schema apart. The document it returns is the schema for the
// validator: formats and content encodings are annotations here whatever the
// draft says, so they are left out, and so is the root's identifier.
func explore(v access.Value) (*graph, any, error) {
	g := &graph{at: map[string]int{}}
	_, doc, err := g.schema(v, "")
	if err != nil {
		return nil, nil, err
	}
	for _, r := range g.refs {
		to, ok := g.at[r.target]
		if !ok {
			return nil, nil, errors.New("a $ref of the input schema names no subschema of it")
		}
		g.nodes[r.from].inPlace = append(g.nodes[r.from].inPlace, to)
	}
	return g, doc, nil
}

// schema adds the subschema at a pointer.
func (g *graph) schema(v access.Value, pointer string) (int, any, error) {
	if len(g.nodes) >= maxSubschemas {
		return 0, nil, errors.New("the input schema has too many subschemas")
	}
	id := len(g.nodes)
	g.nodes = append(g.nodes, node{weight: 1})
	g.at[pointer] = id
	if v.Kind() == access.Bool {
		return id, v.True(), nil
	}
	if v.Kind() != access.Object {
		return 0, nil, errors.New("a subschema is neither an object nor a boolean")
	}
	doc := make(map[string]any, v.Len())
	for _, m := range v.Members() {
		skip, err := g.special(id, pointer, m.Key, m.Value)
		if err != nil {
			return 0, nil, err
		}
		if skip {
			continue
		}
		if doc[m.Key], err = g.keyword(id, pointer, m.Key, m.Value); err != nil {
			return 0, nil, err
		}
	}
	return id, doc, nil
}

// special handles the keywords that name, refer or are left out.
func (g *graph) special(id int, pointer, key string, v access.Value) (skip bool, err error) {
	switch key {
	case "format", "contentEncoding", "contentMediaType", "contentSchema":
		return true, nil
	case "$schema":
		if pointer != "" {
			return true, nil // means nothing without an $id
		}
		if !knownDraft(v.Text()) {
			return false, errors.New("the input schema is written in an unknown dialect")
		}
	case "$id":
		if pointer != "" {
			return false, errors.New("the input schema embeds another schema by $id")
		}
		return true, nil
	case "$dynamicRef", "$recursiveRef", "$vocabulary":
		return false, fmt.Errorf("the input schema uses %s", key)
	case "$ref":
		target, ok := localTarget(v)
		if !ok {
			return false, errors.New("a $ref of the input schema leaves the schema")
		}
		g.refs = append(g.refs, reference{id, target})
	case "pattern":
		return false, g.pattern(id, v.Text())
	}
	return false, nil
}

// localTarget returns the JSON pointer of a reference inside the document.
// Anchors are not followed: few schemas of tools use them.
func localTarget(v access.Value) (string, bool) {
	fragment, ok := strings.CutPrefix(v.Text(), "#")
	if !ok || fragment != "" && fragment[0] != '/' {
		return "", false
	}
	target, err := url.PathUnescape(fragment)
	return target, err == nil
}

// pattern adds the cost of one regular expression. Go's engine takes time
// linear in the text, times the size of the program.
func (g *graph) pattern(id int, expr string) error {
	if len(expr) > maxPatternBytes {
		return errors.New("a regular expression of the input schema is too long")
	}
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return errors.New("a regular expression of the input schema is not one that RE2 can judge")
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return errors.New("a regular expression of the input schema cannot be compiled")
	}
	if g.program += len(prog.Inst); g.program > maxProgram {
		return errors.New("the regular expressions of the input schema are too large")
	}
	g.nodes[id].program += float64(len(prog.Inst))
	return nil
}

// keyword adds the subschemas that a keyword holds.
func (g *graph) keyword(id int, pointer, key string, v access.Value) (any, error) {
	p := placeOf(key)
	pointer += "/" + key
	switch {
	case p == plain:
		g.nodes[id].weight += size(v)
		return data(v)
	case p == listInPlace || p == oneOrListItem && v.Kind() == access.Array:
		return g.list(id, p, pointer, v)
	case p == mapInPlace || p == mapNamed || p == mapPattern || p == defined:
		return g.byName(id, p, pointer, v)
	default:
		child, doc, err := g.schema(v, pointer)
		g.link(id, p, child)
		return doc, err
	}
}

func (g *graph) list(id int, p place, pointer string, v access.Value) (any, error) {
	if v.Kind() != access.Array {
		return nil, errors.New("a keyword of the input schema is not a list of schemas")
	}
	docs := make([]any, 0, v.Len())
	for i, m := range v.Members() {
		child, doc, err := g.schema(m.Value, pointer+"/"+strconv.Itoa(i))
		if err != nil {
			return nil, err
		}
		g.link(id, p, child)
		docs = append(docs, doc)
	}
	return docs, nil
}

func (g *graph) byName(id int, p place, pointer string, v access.Value) (any, error) {
	if v.Kind() != access.Object {
		return nil, errors.New("a keyword of the input schema is not a set of schemas")
	}
	docs := make(map[string]any, v.Len())
	for _, m := range v.Members() {
		if p == mapInPlace && m.Value.Kind() == access.Array { // dependencies: {a: [b]}
			names, err := data(m.Value)
			if err != nil {
				return nil, err
			}
			g.nodes[id].weight += size(m.Value)
			docs[m.Key] = names
			continue
		}
		if p == mapPattern {
			if err := g.pattern(id, m.Key); err != nil {
				return nil, err
			}
		}
		child, doc, err := g.schema(m.Value, pointer+"/"+escapePointer(m.Key))
		if err != nil {
			return nil, err
		}
		g.link(id, p, child)
		docs[m.Key] = doc
	}
	return docs, nil
}

func (g *graph) link(id int, p place, child int) {
	n := &g.nodes[id]
	switch p {
	case oneInPlace, listInPlace, mapInPlace:
		n.inPlace = append(n.inPlace, child)
	case mapNamed:
		n.named = append(n.named, child)
	case oneBelow, oneOrListItem, mapPattern:
		n.every = append(n.every, child)
	case plain, defined:
		// data holds no schema; a definition judges nothing until it is referred to
	}
}

func escapePointer(token string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(token)
}

// order sorts the nodes so that each stands after those it applies in place,
// and returns the longest chain of them. A cycle would never end.
func (g *graph) order() (sorted []int, longest int, err error) {
	const visiting = -1
	depth := make([]int, len(g.nodes))
	var visit func(id int) error
	visit = func(id int) error {
		switch {
		case depth[id] == visiting:
			return errors.New("a $ref of the input schema leads back to itself")
		case depth[id] > 0:
			return nil
		}
		depth[id] = visiting
		deepest := 0
		for _, c := range g.nodes[id].inPlace {
			if err := visit(c); err != nil {
				return err
			}
			deepest = max(deepest, depth[c])
		}
		depth[id] = deepest + 1
		sorted = append(sorted, id)
		return nil
	}
	for id := range g.nodes {
		if err := visit(id); err != nil {
			return nil, 0, err
		}
	}
	return sorted, slices.Max(depth), nil
}
