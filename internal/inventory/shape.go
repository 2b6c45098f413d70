package inventory

import (
	"strconv"
	"strings"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
)

// Caps of the simple form; beyond them the general validator decides.
const (
	maxShapeDepth = 16
	maxShapeProps = 64
	maxShapeEnum  = 64
)

// kinds is a set of JSON types; 0 admits all.
type kinds uint16

// integers admits numbers without a fraction only.
const integers kinds = 1 << 15

func (k kinds) admit(v access.Value) bool {
	if k == 0 || k&(1<<v.Kind()) != 0 {
		return true
	}
	return k&integers != 0 && canon.IsInteger(v)
}

func kindOf(word string) kinds {
	switch word {
	case "null":
		return 1 << access.Null
	case "boolean":
		return 1 << access.Bool
	case "number":
		return 1 << access.Number
	case "integer":
		return integers
	case "string":
		return 1 << access.String
	case "array":
		return 1 << access.Array
	case "object":
		return 1 << access.Object
	default:
		return 0
	}
}

// compileShape returns the simple form of a schema, or nil where it has a
// keyword, or a form of one, that only the general validator judges. It
// refuses more than it must: nil is always right.
func compileShape(v access.Value, depth int) *shape {
	if v.Kind() != access.Object || depth > maxShapeDepth {
		return nil
	}
	s := &shape{text: limits{0, -1}, count: limits{0, -1}, open: true}
	for _, m := range v.Members() {
		if !s.keyword(m.Key, m.Value, depth) {
			return nil
		}
	}
	if !s.require(v.Get("required")) {
		return nil
	}
	if depth == 0 && s.types != 0 && s.types&(1<<access.Object) == 0 {
		return nil // no arguments are valid; let the library say so
	}
	return s
}

func (s *shape) keyword(key string, v access.Value, depth int) bool {
	switch key {
	case "$schema":
		return depth == 0 && v.Kind() == access.String && knownDraft(v.Text())
	case "title", "description", "format", "$comment":
		return v.Kind() == access.String
	case "default":
		return true
	case "type":
		return s.setTypes(v)
	case "enum":
		return s.setEnum(v)
	case "minLength", "maxLength", "minItems", "maxItems":
		return s.setLimit(key, v)
	case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum":
		s.numbers = append(s.numbers, bound{v, strings.HasSuffix(key, "aximum"), strings.HasPrefix(key, "exclusive")})
		return v.Kind() == access.Number && moderate(v.Raw())
	case "items":
		s.items = compileShape(v, depth+1)
		return s.items != nil
	case "properties":
		return s.setProperties(v, depth)
	case "required":
		return true // after the properties
	case "additionalProperties":
		s.open, s.declares = v.True(), v.True() && depth == 0
		return v.Kind() == access.Bool
	default:
		return false
	}
}

func (s *shape) setTypes(v access.Value) bool {
	if v.Kind() == access.String {
		s.types = kindOf(v.Text())
		return s.types != 0
	}
	for _, m := range v.Members() {
		k := kindOf(m.Value.Text())
		if k == 0 || s.types&k != 0 {
			return false
		}
		s.types |= k
	}
	return v.Kind() == access.Array && v.Len() > 0
}

func (s *shape) setEnum(v access.Value) bool {
	if v.Kind() != access.Array || v.Len() == 0 || v.Len() > maxShapeEnum {
		return false
	}
	for _, m := range v.Members() {
		if m.Value.Kind() != access.String {
			return false
		}
		s.enum = append(s.enum, m.Value.Text())
	}
	return true
}

func (s *shape) setLimit(key string, v access.Value) bool {
	n, err := strconv.Atoi(v.Raw())
	if v.Kind() != access.Number || err != nil || n < 0 || n > 1<<30 {
		return false
	}
	l := &s.text
	if strings.HasSuffix(key, "Items") {
		l = &s.count
	}
	if strings.HasPrefix(key, "min") {
		l.min = n
	} else {
		l.max = n
	}
	return true
}

func (s *shape) setProperties(v access.Value, depth int) bool {
	if v.Kind() != access.Object || v.Len() > maxShapeProps {
		return false
	}
	for _, m := range v.Members() {
		p := compileShape(m.Value, depth+1)
		if p == nil {
			return false
		}
		s.props = append(s.props, property{m.Key, p})
	}
	return true
}

func (s *shape) require(v access.Value) bool {
	if v.IsAbsent() {
		return true
	}
	for _, m := range v.Members() {
		at := s.find(m.Value.Text())
		if m.Value.Kind() != access.String || at < 0 || s.required&(1<<at) != 0 {
			return false
		}
		s.required |= 1 << at
	}
	return v.Kind() == access.Array
}

// knownDraft reports the dialects that are judged. Draft-04 and older spell
// keywords differently and are refused.
func knownDraft(url string) bool {
	url = strings.TrimSuffix(url, "#")
	url = strings.TrimPrefix(strings.TrimPrefix(url, "https:"), "http:")
	switch url {
	case "//json-schema.org/draft-06/schema", "//json-schema.org/draft-07/schema",
		"//json-schema.org/draft/2019-09/schema", "//json-schema.org/draft/2020-12/schema":
		return true
	default:
		return false
	}
}

// maxNumber bounds the length of a number and the size of its exponent.
const maxNumber = 1000

// moderate reports whether a number can be computed with exactly at little
// cost: 1e999999999 has a billion digits. What is not moderate is not valid,
// in arguments and in schemas alike.
func moderate(raw string) bool {
	if len(raw) > maxNumber {
		return false
	}
	i := strings.IndexAny(raw, "eE")
	if i < 0 {
		return true
	}
	n, err := strconv.Atoi(strings.TrimPrefix(raw[i+1:], "+"))
	return err == nil && -maxNumber <= n && n <= maxNumber
}

// allModerate applies [moderate] to every number in a value.
func allModerate(v access.Value) bool {
	if v.Kind() == access.Number {
		return moderate(v.Raw())
	}
	for _, m := range v.Members() {
		if !allModerate(m.Value) {
			return false
		}
	}
	return true
}
