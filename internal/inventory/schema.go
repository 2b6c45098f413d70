package inventory

import (
	"sync"
	"unicode/utf8"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
)

// schema is one input schema with what was compiled from it.
type schema struct {
	source access.Value

	once    sync.Once
	shape   *shape   // where the schema is simple
	library *library // where it is not
	problem string
}

// Check judges the arguments of a call by the input schema (JSON Schema
// 2020-12 unless it names draft-06, draft-07 or 2019-09):
//
//   - [access.SchemaMissing]: the definition has no input schema.
//   - [access.SchemaValid]: every argument is declared and valid.
//   - [access.SchemaInvalid]: an argument is undeclared or not valid, or the
//     schema cannot be judged: see [Definition.SchemaProblem].
//
// An argument is declared when a subschema that it satisfies names it, by
// `properties`, `patternProperties` or an explicit `additionalProperties`
// that is true or a schema. Where `additionalProperties` is absent nothing
// more is declared, though JSON Schema itself leaves the object open. That is
// `unevaluatedProperties: false` around the whole schema, so it holds through
// `$ref`, `allOf`, `anyOf` and `if` too. Inside an argument the schema alone
// decides. Absent args are the empty object.
//
// Numbers are compared exactly, formats and content encodings are annotations.
// The schema is compiled at the first call and then kept; calls after that are
// bounded in time whatever the schema says. Check is safe for concurrent use.
func (d *Definition) Check(args access.Value) access.SchemaState {
	if d == nil || d.schema == nil || d.schema.source.IsAbsent() {
		return access.SchemaMissing
	}
	s := d.schema
	s.once.Do(s.compile)
	if k := args.Kind(); k != access.Object && k != access.Absent {
		return access.SchemaInvalid
	}
	valid := false
	switch {
	case s.shape != nil:
		valid = s.shape.object(args, true)
	case s.library != nil:
		valid = s.library.valid(args)
	}
	if !valid {
		return access.SchemaInvalid
	}
	return access.SchemaValid
}

// SchemaProblem says why the input schema cannot be judged, so that every
// call of the tool is invalid; "" where it can.
func (d *Definition) SchemaProblem() string {
	if d == nil || d.schema == nil || d.schema.source.IsAbsent() {
		return ""
	}
	d.schema.once.Do(d.schema.compile)
	return d.schema.problem
}

func (s *schema) compile() {
	if s.source.Kind() != access.Object {
		s.problem = "the input schema is not an object"
		return
	}
	if len(s.source.Raw()) > maxSchemaBytes {
		s.problem = "the input schema is too large"
		return
	}
	if s.shape = compileShape(s.source, 0); s.shape != nil {
		return
	}
	l, err := compileLibrary(s.source)
	if err != nil {
		s.problem = err.Error()
		return
	}
	s.library = l
}

// shape is a schema of the simple kind that most tools have: typed properties
// with the common limits, arrays and objects of such. It decides exactly as
// the general validator does.
type shape struct {
	types    kinds
	enum     []string // nil: any
	text     limits   // length of a string
	count    limits   // items of an array
	numbers  []bound
	items    *shape
	props    []property
	required uint64 // bits of props
	open     bool   // below the root: admits members that props does not name
	declares bool   // additionalProperties: true, at the root
}

type property struct {
	name  string
	shape *shape
}

// limits are inclusive; max < 0 is none.
type limits struct{ min, max int }

func (l limits) admit(n int) bool { return n >= l.min && (l.max < 0 || n <= l.max) }

// bound is one numeric limit.
type bound struct {
	value     access.Value
	upper     bool
	exclusive bool
}

func (b *bound) admits(v access.Value) bool {
	order, ok := canon.CompareNumbers(v, b.value)
	if !ok {
		return false
	}
	if b.upper {
		order = -order
	}
	return order > 0 || order == 0 && !b.exclusive
}

// valid judges one value.
func (s *shape) valid(v access.Value) bool {
	if !s.types.admit(v) {
		return false
	}
	switch v.Kind() {
	case access.String:
		return s.string(v.Text())
	case access.Number:
		return s.number(v)
	case access.Array:
		return s.array(v)
	case access.Object:
		return s.object(v, false)
	default:
		return s.enum == nil
	}
}

func (s *shape) string(text string) bool {
	if s.text.min > 0 || s.text.max >= 0 {
		if !s.text.admit(utf8.RuneCountInString(text)) {
			return false
		}
	}
	if s.enum == nil {
		return true
	}
	for _, e := range s.enum {
		if e == text {
			return true
		}
	}
	return false
}

func (s *shape) number(v access.Value) bool {
	if s.enum != nil || !moderate(v.Raw()) {
		return false
	}
	for i := range s.numbers {
		if !s.numbers[i].admits(v) {
			return false
		}
	}
	return true
}

func (s *shape) array(v access.Value) bool {
	if s.enum != nil || !s.count.admit(v.Len()) {
		return false
	}
	for _, m := range v.Members() {
		if s.items == nil && !allModerate(m.Value) || s.items != nil && !s.items.valid(m.Value) {
			return false
		}
	}
	return true
}

// object judges the members of an object, or of absent arguments, which have
// none. At the root what is not declared is refused.
func (s *shape) object(v access.Value, root bool) bool {
	if s.enum != nil {
		return false
	}
	var seen uint64
	for i := range v.Len() {
		m := v.At(i)
		at := s.find(m.Key)
		if at < 0 {
			if admits := s.open && !root || s.declares; !admits || !allModerate(m.Value) {
				return false
			}
			continue
		}
		seen |= 1 << at
		if !s.props[at].shape.valid(m.Value) {
			return false
		}
	}
	return seen&s.required == s.required
}

func (s *shape) find(key string) int {
	for i := range s.props {
		if s.props[i].name == key {
			return i
		}
	}
	return -1
}
