package inventory

import (
	"fmt"
	"strings"
	"testing"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
)

func value(t testing.TB, text string) access.Value {
	t.Helper()
	v, err := canon.Parse(text, canon.DefaultLimits())
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func definition(t testing.TB, inputSchema string) *Definition {
	t.Helper()
	d := SchemaOnly("tool", value(t, inputSchema))
	return &d
}

// checks are pairs of schema and arguments with the expected verdict. Each is
// judged in the simple form where there is one, and by the general validator.
func checks() []struct{ name, schema, valid, invalid string } {
	return []struct{ name, schema, valid, invalid string }{
		{"required", `{"type":"object","properties":{"m":{"type":"string"}},"required":["m"]}`, `{"m":""}`, `{}`},
		{"type", `{"properties":{"m":{"type":"string"}}}`, `{"m":"x"}`, `{"m":1}`},
		{"undeclared", `{"properties":{"m":{"type":"string"}}}`, `{}`, `{"n":1}`},
		{"undeclared in an empty schema", `{}`, `{}`, `{"n":1}`},
		{"undeclared, closed", `{"properties":{"m":{}},"additionalProperties":false}`, `{"m":1}`, `{"m":1,"n":1}`},
		{"case of a key", `{"properties":{"path":{}}}`, `{"path":1}`, `{"Path":1}`},
		{"explicit additionalProperties", `{"properties":{"m":{"type":"null"}},"additionalProperties":true}`, `{"n":1}`, `{"m":1}`},
		{"schema of additionalProperties", `{"additionalProperties":{"type":"integer"}}`, `{"n":1}`, `{"n":"1"}`},
		{"inside an argument additionalProperties is open", `{"properties":{"o":{"type":"object"}}}`, `{"o":{"x":1}}`, `{"o":1}`},
		{"closed inside an argument", `{"properties":{"o":{"properties":{"a":{}},"additionalProperties":false}}}`, `{"o":{"a":1}}`, `{"o":{"b":1}}`},
		{"patternProperties", `{"patternProperties":{"^x-":{"type":"string"}}}`, `{"x-a":"1"}`, `{"y-a":"1"}`},
		{"allOf declares", `{"allOf":[{"properties":{"a":{}}},{"properties":{"b":{}}}]}`, `{"a":1,"b":1}`, `{"c":1}`},
		{"$ref declares", `{"$ref":"#/$defs/in","$defs":{"in":{"properties":{"a":{"type":"string"}}}}}`, `{"a":"x"}`, `{"b":"x"}`},
		{"$ref in draft-07", `{"$schema":"http://json-schema.org/draft-07/schema#","$ref":"#/definitions/in","definitions":{"in":{"properties":{"a":{}}}}}`, `{"a":1}`, `{"b":1}`},
		{"siblings of $ref mean nothing in draft-07", `{"$schema":"http://json-schema.org/draft-07/schema#","$ref":"#/definitions/in","properties":{"b":{}},"definitions":{"in":{"properties":{"a":{}}}}}`, `{"a":1}`, `{"b":1}`},
		{"the branch that holds declares", `{"anyOf":[{"properties":{"k":{"const":"a"},"a":{}},"required":["k"]},{"properties":{"k":{"const":"b"},"b":{}},"required":["k"]}]}`, `{"k":"a","a":1}`, `{"k":"a","b":1}`},
		{"exact numbers", `{"properties":{"n":{"maximum":9007199254740992}}}`, `{"n":9007199254740992}`, `{"n":9007199254740993}`},
		{"exclusive bound", `{"properties":{"n":{"exclusiveMinimum":0}}}`, `{"n":1e-400}`, `{"n":-0.0}`},
		{"integer", `{"properties":{"n":{"type":"integer"}}}`, `{"n":5.0}`, `{"n":5.5}`},
		{"a boolean is no integer", `{"properties":{"n":{"type":"integer"}}}`, `{"n":1e2}`, `{"n":true}`},
		{"an extreme exponent", `{"properties":{"n":{"type":"number"}}}`, `{"n":1e1000}`, `{"n":1e1001}`},
		{"an extreme exponent where anything goes", `{"properties":{"n":{}}}`, `{"n":[1]}`, `{"n":[{"x":1e999999999}]}`},
		{"length in code points", `{"properties":{"s":{"minLength":2,"maxLength":2}}}`, `{"s":"éß"}`, `{"s":"é"}`},
		{"enum", `{"properties":{"s":{"enum":["a","b"]}}}`, `{"s":"b"}`, `{"s":"c"}`},
		{"enum and other types", `{"properties":{"s":{"enum":["a"]}}}`, `{"s":"a"}`, `{"s":null}`},
		{"several types", `{"properties":{"s":{"type":["string","null"]}}}`, `{"s":null}`, `{"s":1}`},
		{"items", `{"properties":{"l":{"type":"array","items":{"type":"string"},"minItems":1,"maxItems":2}}}`, `{"l":["a"]}`, `{"l":[]}`},
		{"items of a type", `{"properties":{"l":{"items":{"type":"string"}}}}`, `{"l":"no array"}`, `{"l":["a",1]}`},
		{"format is an annotation", `{"$schema":"http://json-schema.org/draft-07/schema#","properties":{"u":{"type":"string","format":"uri"},"x":{"not":{"type":"null"}}}}`, `{"u":"not a uri"}`, `{"u":1}`},
		{"pattern searches", `{"properties":{"s":{"pattern":"b+"}}}`, `{"s":"abc"}`, `{"s":"ac"}`},
		{"a property named like a keyword", `{"properties":{"format":{"type":"string"},"$ref":{"type":"string"},"$id":{}}}`, `{"format":"x","$ref":"y"}`, `{"format":1}`},
		{"nested arrays and objects", `{"properties":{"es":{"items":{"required":["n"],"properties":{"n":{"type":"string"},"o":{"items":{"type":"string"}}}}}}}`, `{"es":[{"n":"a","o":["x"],"more":1}]}`, `{"es":[{"o":[]}]}`},
	}
}

func TestCheck(t *testing.T) {
	for _, tc := range checks() {
		t.Run(tc.name, func(t *testing.T) {
			d := definition(t, tc.schema)
			if got := d.Check(value(t, tc.valid)); got != access.SchemaValid {
				t.Errorf("%s: got %d, want valid (%s)", tc.valid, got, d.SchemaProblem())
			}
			if got := d.Check(value(t, tc.invalid)); got != access.SchemaInvalid {
				t.Errorf("%s: got %d, want invalid", tc.invalid, got)
			}
			l, err := compileLibrary(d.Schema)
			if err != nil {
				t.Fatal(err)
			}
			if !l.valid(value(t, tc.valid)) || l.valid(value(t, tc.invalid)) {
				t.Error("the general validator decides otherwise")
			}
		})
	}
}

func TestCheckWithoutArguments(t *testing.T) {
	open := definition(t, `{"type":"object"}`)
	if got := open.Check(access.Value{}); got != access.SchemaValid {
		t.Errorf("absent arguments: got %d, want valid", got)
	}
	needs := definition(t, `{"required":["a"],"properties":{"a":{"not":{"type":"null"}}}}`)
	if got := needs.Check(access.Value{}); got != access.SchemaInvalid {
		t.Errorf("absent arguments where one is required: got %d, want invalid", got)
	}
	if got := open.Check(value(t, `[]`)); got != access.SchemaInvalid {
		t.Errorf("an array: got %d, want invalid", got)
	}
	none := NewDefinition("tool", value(t, `{"name":"tool"}`))
	if got := none.Check(value(t, `{"a":1}`)); got != access.SchemaMissing {
		t.Errorf("no schema: got %d, want missing", got)
	}
	var absent *Definition
	if got := absent.Check(value(t, `{}`)); got != access.SchemaMissing {
		t.Errorf("no definition: got %d, want missing", got)
	}
}

// TestSchemaRefused lists schemas that nothing can satisfy, because they
// cannot be judged here.
func TestSchemaRefused(t *testing.T) {
	many := strings.Repeat(`{"type":"null"},`, maxSubschemas)
	for name, tc := range map[string]struct{ schema, problem string }{
		"a remote $ref":          {`{"properties":{"a":{"$ref":"https://example.com/a.json"}}}`, "leaves the schema"},
		"a file $ref":            {`{"properties":{"a":{"$ref":"file:///etc/passwd"}}}`, "leaves the schema"},
		"a relative $ref":        {`{"properties":{"a":{"$ref":"other.json#/a"}}}`, "leaves the schema"},
		"a $ref to the draft":    {`{"properties":{"a":{"$ref":"https://json-schema.org/draft/2020-12/schema"}}}`, "leaves the schema"},
		"a $ref to nothing":      {`{"properties":{"a":{"$ref":"#/$defs/a"}}}`, "names no subschema"},
		"a $ref to no schema":    {`{"properties":{"a":{"$ref":"#/required"}},"required":["a"]}`, "names no subschema"},
		"a $ref by anchor":       {`{"properties":{"a":{"$ref":"#a"}},"$defs":{"a":{"$anchor":"a"}}}`, "leaves the schema"},
		"a $ref to itself":       {`{"$ref":"#"}`, "leads back"},
		"a ring of $refs":        {`{"$ref":"#/$defs/a","$defs":{"a":{"allOf":[{"$ref":"#/$defs/b"}]},"b":{"$ref":"#/$defs/a"}}}`, "leads back"},
		"$dynamicRef":            {`{"properties":{"a":{"$dynamicRef":"#a"}}}`, "uses $dynamicRef"},
		"an embedded $id":        {`{"properties":{"a":{"$id":"https://example.com/","type":"string"}}}`, "by $id"},
		"an unknown dialect":     {`{"$schema":"https://example.com/schema","not":{}}`, "dialect"},
		"draft-04":               {`{"$schema":"http://json-schema.org/draft-04/schema#"}`, "dialect"},
		"a look-ahead":           {`{"properties":{"a":{"pattern":"^(?=a)"}}}`, "RE2"},
		"a huge expression":      {`{"anyOf":[` + strings.Repeat(`{"pattern":"(abcdefgh){100}"},`, 80) + `true]}`, "too large"},
		"a long expression":      {`{"properties":{"a":{"pattern":"` + strings.Repeat("a", maxPatternBytes+1) + `"}}}`, "too long"},
		"a huge number":          {`{"properties":{"a":{"multipleOf":1e999999999}}}`, "number"},
		"multipleOf zero":        {`{"properties":{"a":{"multipleOf":0}}}`, "not a valid"},
		"too many subschemas":    {`{"anyOf":[` + many + `true]}`, "too many"},
		"too large":              {`{"description":"` + strings.Repeat("x", maxSchemaBytes) + `"}`, "too large"},
		"a type nobody knows":    {`{"properties":{"a":{"type":"path"}}}`, "not a valid"},
		"a wrong keyword":        {`{"properties":[]}`, "not a set"},
		"a subschema of no kind": {`{"properties":{"a":"string"}}`, "neither"},
		"no object":              {`true`, "not an object"},
	} {
		t.Run(name, func(t *testing.T) {
			d := definition(t, tc.schema)
			if got := d.SchemaProblem(); !strings.Contains(got, tc.problem) {
				t.Errorf("problem %q, want %q", got, tc.problem)
			}
			for _, args := range []string{`{}`, `{"a":"a"}`, `{"a":null}`} {
				if got := d.Check(value(t, args)); got != access.SchemaInvalid {
					t.Errorf("%s: got %d, want invalid", args, got)
				}
			}
		})
	}
}

// TestHostileSchemasAreBounded judges arguments that are valid, and would keep
// a validator busy for too long to find out.
func TestHostileSchemasAreBounded(t *testing.T) {
	var doubling strings.Builder
	for i := range 60 {
		fmt.Fprintf(&doubling, `"d%d":{"allOf":[{"$ref":"#/$defs/d%d"},{"$ref":"#/$defs/d%d"}]},`, i, i+1, i+1)
	}
	deep := strings.Repeat(`[`, 60) + strings.Repeat(`]`, 60)
	for name, tc := range map[string]struct{ schema, args string }{
		"doubling in place":   {`{"$ref":"#/$defs/d0","$defs":{` + doubling.String() + `"d60":{}}}`, `{}`},
		"doubling with depth": {`{"properties":{"a":{"$ref":"#/$defs/l"}},"$defs":{"l":{"items":{"allOf":[{"$ref":"#/$defs/l"},{"$ref":"#/$defs/l"}]}}}}`, `{"a":` + deep + `}`},
		"a slow expression":   {`{"properties":{"a":{"pattern":"(a|b|ab|ba|aab){100}"}}}`, `{"a":"` + strings.Repeat("ab", 1<<17) + `"}`},
		"a large enum":        {`{"properties":{"a":{"items":{"enum":[` + strings.Repeat("1,", 20_000) + `2]}}}}`, `{"a":[` + strings.Repeat("2,", 20_000) + `2]}`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := definition(t, tc.schema).Check(value(t, tc.args)); got != access.SchemaInvalid {
				t.Errorf("got %d, want invalid", got)
			}
		})
	}
	recursive := definition(t, `{"properties":{"a":{"$ref":"#/$defs/l"}},"$defs":{"l":{"items":{"$ref":"#/$defs/l"},"type":"array"}}}`)
	if got := recursive.Check(value(t, `{"a":`+deep+`}`)); got != access.SchemaValid {
		t.Errorf("an honest recursive schema: got %d, want valid (%s)", got, recursive.SchemaProblem())
	}
}
