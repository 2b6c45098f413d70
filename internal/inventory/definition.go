package inventory

import (
	"fmt"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
)

// Definition is one tool as a backend lists it. It is immutable and safe for
// concurrent use.
type Definition struct {
	Name string
	// Index is the position in the listed page, for [FilterList].
	Index int
	// Raw is the definition object as sent, Value the same as a tree.
	Raw   string
	Value access.Value
	// Digest is SHA-256 over the canonical JSON of the whole definition object:
	// description, schemas and annotations included, order of keys and white
	// space not.
	Digest [32]byte
	// Schema is the inputSchema; absent where the definition has none.
	Schema access.Value
	// Quarantine says why the tool MUST NOT be called; "" where it may be.
	Quarantine string

	schema *schema
}

// Problem is one element of a listing that cannot be used as it stands.
type Problem struct {
	Index  int    // position in the page, -1 for the page itself
	Name   string // "" where the element has none
	Detail string // one sentence without the element's text
}

// MaxTools is how many tools one listing may hold. What exceeds it is left
// out, and the listing never becomes complete.
const MaxTools = 10_000

// ParseTools reads the result of a `tools/list`. Every element that is an
// object with a usable name becomes a definition, in the order listed; a name
// that occurs twice, or that a person would take for another, puts all who
// bear it under quarantine. Problems name those and every element left out.
func ParseTools(result access.Value) ([]Definition, []Problem) {
	items, problems := ParseItems(result, "tools", "name")
	if len(items) > MaxTools {
		problems = append(problems, Problem{-1, "", fmt.Sprintf("the page lists more than %d tools", MaxTools)})
		items = items[:MaxTools]
	}
	defs := make([]Definition, 0, len(items))
	for _, it := range items {
		d := NewDefinition(it.Name, it.Value)
		d.Index = it.Index
		d.Quarantine = unfitName(it.Name)
		defs = append(defs, d)
	}
	quarantineTwins(len(defs), func(i int) *Definition { return &defs[i] })
	for i := range defs {
		if defs[i].Quarantine != "" {
			problems = append(problems, Problem{defs[i].Index, defs[i].Name, defs[i].Quarantine})
		}
	}
	return defs, problems
}

// NewDefinition builds the definition of one tool from its definition object.
// It checks neither the name nor the object: [ParseTools] does.
func NewDefinition(name string, object access.Value) Definition {
	in := object.Get("inputSchema")
	return Definition{
		Name:   name,
		Raw:    object.Raw(),
		Value:  object,
		Digest: canon.Digest(object),
		Schema: in,
		schema: &schema{source: in},
	}
}

// SchemaOnly builds a definition that has nothing but an input schema: what
// `policy eval` is given in place of a live server.
func SchemaOnly(name string, inputSchema access.Value) Definition {
	return Definition{Name: name, Schema: inputSchema, schema: &schema{source: inputSchema}}
}
