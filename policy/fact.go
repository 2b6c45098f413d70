package policy

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/pdp"
)

// Conditions on supplied facts are one op for each fact, so that explanations
// show each with its value, source and age.

// factOp is the condition on one fact.
func factOp(test *pdp.FactTest, text string) pdp.Op {
	return pdp.Op{Code: pdp.CodeFact, Fact: test, Field: test.Fact, Text: text}
}

// Which values facts can have. Anything else is mistyped, and so unknown.

func isBool() *pdp.Spec { return &pdp.Spec{Types: pdp.TypeBoolean} }

func isWord() *pdp.Spec {
	return &pdp.Spec{Types: pdp.TypeString, Length: &pdp.Bounds{Min: 1, HasMin: true}}
}

func isNumber() *pdp.Spec { return &pdp.Spec{Types: pdp.TypeNumber} }

func isCount() *pdp.Spec { return &pdp.Spec{Types: pdp.TypeInteger, Min: wholeNumber(0)} }

// isScore is a number from 0 to 100.
func isScore() *pdp.Spec {
	return &pdp.Spec{Types: pdp.TypeNumber, Min: wholeNumber(0), Max: wholeNumber(100)}
}

func wholeNumber(n int) *pdp.Number {
	return pdp.NewNumber(access.Scalar(access.Number, strconv.Itoa(n), ""))
}

// flagFact reads a fact that is to be true or false.
func (r *reader) flagFact(f field, what, name string) pdp.Op {
	literal := strconv.FormatBool(r.flag(f.node, what))
	want := access.Scalar(access.Bool, literal, "")
	return factOp(&pdp.FactTest{Fact: name, Valid: isBool(), Spec: &pdp.Spec{Enum: []access.Value{want}}}, literal)
}

// wordFact reads a fact that is to be one of a list of words.
func (r *reader) wordFact(f field, what, name string, valid *pdp.Spec) pdp.Op {
	return wordsFact(r.words(f.node, what), name, valid, written(f.node))
}

func wordsFact(words []word, name string, valid *pdp.Spec, text string) pdp.Op {
	spec := &pdp.Spec{}
	for _, w := range words {
		spec.Enum = append(spec.Enum, canon.String(w.text))
	}
	return factOp(&pdp.FactTest{Fact: name, Valid: valid, Spec: spec}, text)
}

// boundFact reads a fact that is to lie between min and max.
func (r *reader) boundFact(f field, what, name string) pdp.Op {
	test := &pdp.FactTest{Fact: name, Valid: isNumber(), Spec: &pdp.Spec{}}
	if f.node.Kind == yaml.ScalarNode {
		r.err(f.node, "write {min: …} or {max: …}", "%s says which side of a number it means", what)
		return factOp(test, written(f.node))
	}
	parts := r.fields(f.node, what)
	for _, part := range parts {
		switch part.name {
		case "min", "max":
			r.constraint(part, test.Spec, what, place{})
		default:
			r.unknown(part, what, []string{"min", "max"})
		}
	}
	r.asks(f, what, len(parts), "min", "max")
	r.possible(f, test.Spec, what)
	return factOp(test, written(f.node))
}

// score reads a bound on a fact from 0 to 100.
func (r *reader) score(n *yaml.Node, what string) *pdp.Number {
	b := r.bound(n, what)
	if b == nil {
		return nil
	}
	for _, limit := range []struct{ at, side int }{{0, -1}, {100, 1}} {
		if order, _ := canon.CompareNumbers(b.Value, wholeNumber(limit.at).Value); order == limit.side {
			r.err(n, "", "%s is a number from 0 to 100", what)
			return nil
		}
	}
	return b
}

// asks reports a condition that names nothing to hold.
func (r *reader) asks(f field, what string, found int, known ...string) {
	if f.node.Kind == yaml.MappingNode && found == 0 {
		r.err(f.node, "leave the key out", "%s asks for nothing: it has none of %s", what, strings.Join(known, ", "))
	}
}

// one reads a condition that is a mapping with a single key.
func (r *reader) one(f field, key string, read func(*yaml.Node)) {
	parts := r.fields(f.node, f.name)
	for _, part := range parts {
		if part.name != key {
			r.unknown(part, f.name, []string{key})
			continue
		}
		read(part.node)
	}
	r.asks(f, f.name, len(parts), key)
}
