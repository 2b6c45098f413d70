package inventory

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/custos-zt/custos/access"
)

// Caps of one judgement: how many times a subschema may be applied to a value,
// and how many steps its regular expressions may take. A call that could
// exceed them is not valid. Both stand for well under a second.
const (
	maxDepth      = 128
	maxJudgements = 1e6
	maxSteps      = 1e8
)

// library is a schema judged by the general validator.
type library struct {
	schema *jsonschema.Schema
	// judgements[k] bounds how many subschemas are applied to one value at
	// depth k below the arguments, steps[k] how many instructions of regular
	// expressions to one byte of it.
	judgements [maxDepth + 1]float64
	steps      [maxDepth + 1]float64
}

// compileLibrary prepares the general validator. Nothing is ever loaded, from
// the network or from a file: a reference that leaves the schema is an error.
func compileLibrary(v access.Value) (l *library, err error) {
	defer func() {
		if r := recover(); r != nil {
			l, err = nil, errors.New("the input schema could not be compiled")
		}
	}()
	g, doc, err := explore(v)
	if err != nil {
		return nil, err
	}
	sorted, longest, err := g.order()
	if err != nil {
		return nil, err
	}
	const inner, outer = "custos:///input.json", "custos:///arguments.json"
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.UseLoader(noLoader{})
	if err := c.AddResource(inner, doc); err != nil {
		return nil, errors.New("the input schema could not be read")
	}
	if err := c.AddResource(outer, map[string]any{
		"$schema":               "https://json-schema.org/draft/2020-12/schema",
		"$ref":                  inner,
		"unevaluatedProperties": false,
	}); err != nil {
		return nil, errors.New("the input schema could not be read")
	}
	compiled, err := c.Compile(outer)
	if err != nil {
		// The error of the library quotes the schema, which is hostile text.
		return nil, errors.New("the input schema is not a valid JSON schema")
	}
	l = &library{schema: compiled}
	l.bound(g, sorted, longest)
	return l, nil
}

// noLoader refuses whatever the compiler asks for.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("nothing is loaded for an input schema: %q", url)
}

// bound computes the costs at each depth from those one level below. What is
// applied in place is counted each time it is reached, as the validator does.
// Cycles are walked on every in-place step, hence the factor of the longest
// chain.
func (l *library) bound(g *graph, sorted []int, longest int) {
	factor := 1 + float64(longest)/8
	n := len(g.nodes)
	judged, stepped := make([]float64, n), make([]float64, n)
	for k := range l.judgements {
		nextJudged, nextStepped := make([]float64, n), make([]float64, n)
		for _, id := range sorted {
			nd := &g.nodes[id]
			j, s := nd.weight*factor, nd.program
			if k > 0 {
				j, s = below(nd, judged), below(nd, stepped)
			}
			for _, c := range nd.inPlace {
				j += nextJudged[c]
				s += nextStepped[c]
			}
			nextJudged[id], nextStepped[id] = min(j, 1e18), min(s, 1e18)
		}
		judged, stepped = nextJudged, nextStepped
		l.judgements[k], l.steps[k] = judged[0], stepped[0]
	}
}

// below bounds what a node applies to one member or item of its value.
func below(nd *node, costs []float64) float64 {
	largest, sum := 0.0, 0.0
	for _, c := range nd.named {
		largest = max(largest, costs[c])
	}
	for _, c := range nd.every {
		sum += costs[c]
	}
	return largest + sum
}

// valid judges the arguments, absent ones as the empty object.
func (l *library) valid(args access.Value) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false // a malfunction of the validator is no reason to forward
		}
	}()
	doc := any(map[string]any{})
	if !args.IsAbsent() {
		work := meter{costs: l}
		if !work.add(args, 0) {
			return false
		}
		var err error
		if doc, err = data(args); err != nil {
			return false
		}
	}
	return l.schema.Validate(doc) == nil
}

// meter adds up what judging a value may cost.
type meter struct {
	costs             *library
	judgements, steps float64
}

func (m *meter) add(v access.Value, depth int) bool {
	if depth >= maxDepth {
		return false
	}
	m.judgements += m.costs.judgements[depth]
	if v.Kind() == access.String {
		m.steps += m.costs.steps[depth] * float64(1+len(v.Text()))
	}
	if m.judgements > maxJudgements || m.steps > maxSteps {
		return false
	}
	for _, item := range v.Members() {
		if v.Kind() == access.Object {
			key := float64(1 + len(item.Key))
			m.judgements += m.costs.judgements[depth+1]
			m.steps += (m.costs.steps[depth] + m.costs.steps[depth+1]) * key
		}
		if !m.add(item.Value, depth+1) {
			return false
		}
	}
	return true
}

// size counts the values in a value.
func size(v access.Value) float64 {
	n := 1.0
	for _, m := range v.Members() {
		n += size(m.Value)
	}
	return n
}

// data converts a value for the validator, numbers as they were written. A
// number that is not [moderate] is an error.
func data(v access.Value) (any, error) {
	switch v.Kind() {
	case access.Bool:
		return v.True(), nil
	case access.Number:
		if !moderate(v.Raw()) {
			return nil, errors.New("a number of the input schema is too long or its exponent too large")
		}
		return json.Number(v.Raw()), nil
	case access.String:
		return v.Text(), nil
	case access.Array:
		list := make([]any, 0, v.Len())
		for _, m := range v.Members() {
			item, err := data(m.Value)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		return list, nil
	case access.Object:
		object := make(map[string]any, v.Len())
		for _, m := range v.Members() {
			member, err := data(m.Value)
			if err != nil {
				return nil, err
			}
			object[m.Key] = member
		}
		return object, nil
	default:
		return nil, nil
	}
}
