package control

import (
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/admin"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/ask"
	"github.com/custos-zt/custos/internal/state"
)

// document is as much of an OpenAPI document as is compared.
type document struct {
	OpenAPI string `json:"openapi"`
	Paths   map[string]map[string]struct {
		OperationID string                      `json:"operationId"`
		Parameters  []struct{ Name, In string } `json:"parameters"`
		Security    []map[string][]string       `json:"security"`
		Responses   map[string]any              `json:"responses"`
	} `json:"paths"`
	Components struct {
		Schemas map[string]schema `json:"schemas"`
	} `json:"components"`
}

// schema is as much of a schema as is compared.
type schema struct {
	Type       string            `json:"type"`
	Format     string            `json:"format"`
	Ref        string            `json:"$ref"`
	Items      *schema           `json:"items"`
	Enum       []string          `json:"enum"`
	Properties map[string]schema `json:"properties"`
	Required   []string          `json:"required"`
}

func readDocument(t *testing.T) document {
	t.Helper()
	var d document
	if err := json.Unmarshal(openAPI, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// Every route is in the document, and nothing else.
func TestRoutesAgree(t *testing.T) {
	want, got := map[string]string{}, map[string]string{}
	for _, r := range routes() {
		needs := ""
		if r.needs != admin.Nothing {
			needs = r.needs.String()
		}
		want[r.method+" "+r.path] = fmt.Sprint(needs, slices.Sorted(slices.Values(r.query)))
	}
	d := readDocument(t)
	for path, methods := range d.Paths {
		for method, op := range methods {
			needs, query := "", []string{}
			for _, s := range op.Security {
				needs += strings.Join(s["token"], " ")
			}
			inPath := []string{}
			for _, p := range op.Parameters {
				switch p.In {
				case "query":
					query = append(query, p.Name)
				case "path":
					inPath = append(inPath, "{"+p.Name+"}")
				}
			}
			slices.Sort(query)
			got[strings.ToUpper(method)+" "+path] = fmt.Sprint(needs, query)
			if strings.Count(path, "{") != len(inPath) || len(inPath) == 1 && !strings.Contains(path, inPath[0]) {
				t.Errorf("%s: the parameters in its path are %v", path, inPath)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || d.OpenAPI != "3.1.1" {
		t.Errorf("routes and openapi.json differ:\n%s", diff)
	}
}

// wire are the types that travel, under their names in the document.
func wire() map[string]any {
	return map[string]any{
		"Status": Status{}, "Process": state.Description{}, "Request": ask.View{}, "Argument": ask.Argument{}, "Rule": approval.Rule{},
		"Standing": approval.Standing{}, "Candidate": approval.Candidate{}, "Lease": ask.LeaseView{}, "Given": access.Answer{}, "Answer": admin.Answer{}, "RuleStats": admin.RuleStats{},
		"Problem": problemBody{}, "Error": problem{},
	}
}

// Every field of what travels is in the document with its type, required where
// it is always there, and nothing else.
func TestFieldsAgree(t *testing.T) {
	d := readDocument(t)
	names := map[reflect.Type]string{}
	for name, v := range wire() {
		names[reflect.TypeOf(v)] = name
	}
	for name, v := range wire() {
		s, ok := d.Components.Schemas[name]
		if !ok {
			t.Errorf("%s is not in the document", name)
			continue
		}
		want, required := map[string]string{}, []string{}
		fields(t, reflect.TypeOf(v), names, want, &required)
		got := map[string]string{}
		for p, has := range s.Properties {
			got[p] = typeOf(has)
		}
		slices.Sort(required)
		slices.Sort(s.Required)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
		if diff := cmp.Diff(required, s.Required); diff != "" {
			t.Errorf("%s, required:\n%s", name, diff)
		}
	}
	if len(d.Components.Schemas) != len(wire())+1 { // and the records of package audit
		t.Errorf("schemas: %v", slices.Sorted(maps.Keys(d.Components.Schemas)))
	}
}

// fields lists what encoding/json makes of a struct.
func fields(t *testing.T, s reflect.Type, names map[reflect.Type]string, into map[string]string, required *[]string) {
	t.Helper()
	for i := range s.NumField() {
		f := s.Field(i)
		name, options, tagged := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			fields(t, f.Type, names, into, required)
			continue
		case !f.IsExported() || name == "-" && !tagged:
			continue
		case name == "":
			t.Errorf("%v.%s has no name on the wire", s, f.Name)
			continue
		}
		into[name] = wireType(f.Type, names)
		if !strings.Contains(options, "omit") {
			*required = append(*required, name)
		}
	}
}

// wireType is the type of a field, in the words of typeOf.
func wireType(of reflect.Type, names map[reflect.Type]string) string {
	if of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	switch name, known := names[of]; {
	case of.Implements(reflect.TypeFor[encoding.TextMarshaler]()) && of != reflect.TypeFor[time.Time]():
		return "string"
	case of == reflect.TypeFor[time.Time]():
		return "string date-time"
	case known:
		return name
	case of.Kind() == reflect.Slice:
		return "[]" + wireType(of.Elem(), names)
	}
	switch of.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Float64:
		return "number"
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return "integer"
	default:
		return of.String()
	}
}

func typeOf(s schema) string {
	switch {
	case s.Ref != "":
		return s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
	case s.Type == "array" && s.Items != nil:
		return "[]" + typeOf(*s.Items)
	default:
		return strings.TrimSpace(s.Type + " " + s.Format)
	}
}

// Every code of a refusal is in the document.
func TestCodesAgree(t *testing.T) {
	want := []string{string(unauthorizedCode), string(foreignCode), string(busyCode), string(internalCode)}
	for _, c := range admin.Codes() {
		want = append(want, string(c))
	}
	got := readDocument(t).Components.Schemas["Error"].Properties["code"].Enum
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What is really answered fits the schemas.
func TestAnswersFit(t *testing.T) {
	b := newBureau(t)
	id := b.hold(`{"path":"/a\u202e","text":"x"}`, approval.Rule{ID: "r", Position: "p:1", Group: "ops", Quorum: 2, Assurance: "host", NotSelf: true, Valid: 1, Wait: 1})
	second := b.hold(`{"path":"/b"}`)
	asked := b.asked("r")
	lets := b.hold(`{"path":"/c"}`, approval.Rule{ID: "s", Standing: approval.Standing{Allowed: true}})
	for _, c := range []struct{ method, path, body, schema string }{
		{"GET", "/v1/status", "", `{"$ref":"#/components/schemas/Status"}`},
		{"GET", "/v1/approvals", "", `{"type":"array","minItems":2,"items":{"$ref":"#/components/schemas/Request"}}`},
		{"POST", "/v1/approvals/" + second + "/answer", yes, `{"$ref":"#/components/schemas/Request"}`},
		{"GET", "/v1/approvals?all=true", "", `{"type":"array","minItems":2,"items":{"$ref":"#/components/schemas/Request"}}`},
		{"GET", "/v1/approvals/" + id, "", `{"$ref":"#/components/schemas/Request"}`},
		{"GET", "/v1/approvals/stats?since=1h", "", `{"type":"array","minItems":1,"items":{"$ref":"#/components/schemas/RuleStats"}}`},
		{"GET", "/v1/decisions/" + asked.ID(), "", `{"$ref":"#/components/schemas/Record"}`},
		{"POST", "/v1/approvals/" + id + "/answer", yes, `{"$ref":"#/components/schemas/Problem"}`},
		{"GET", "/v1/approvals?all=maybe", "", `{"$ref":"#/components/schemas/Problem"}`},
		{"GET", "/v1/approvals?al=true", "", `{"$ref":"#/components/schemas/Problem"}`},
		{"GET", "/v1/approvals/stats?since=yesterday", "", `{"$ref":"#/components/schemas/Problem"}`},
		{"GET", "/v1/approvals/" + lets, "", `{"allOf":[{"$ref":"#/components/schemas/Request"},{"required":["standing"]}]}`},
		{"POST", "/v1/approvals/" + lets + "/answer", `{"allow":true,"standing":"same","uses":3,"for":"15m"}`, `{"allOf":[{"$ref":"#/components/schemas/Request"},{"required":["lease"]}]}`},
		{"GET", "/v1/leases?all=true", "", `{"type":"array","minItems":1,"items":{"$ref":"#/components/schemas/Lease"}}`},
		{"POST", "/v1/leases/l_1/revoke", "{}", `{"$ref":"#/components/schemas/Lease"}`},
		{"POST", "/v1/leases/l_1/revoke", yes, `{"$ref":"#/components/schemas/Problem"}`},
		{"POST", "/v1/leases/l_9/revoke", "{}", `{"$ref":"#/components/schemas/Problem"}`},
		{"GET", "/v1/decisions/x", "", `{"$ref":"#/components/schemas/Problem"}`},
		{"GET", "/v1/events?kind=", "", `{"$ref":"#/components/schemas/Problem"}`},
	} {
		got := b.send(c.method, c.path, b.tokens.Approver, c.body)
		if strings.HasSuffix(c.schema, `/Problem"}`) != (got.status != 200) {
			t.Errorf("%s: %d %s", c.path, got.status, got.body)
		}
		if err := fits(t, c.schema, got.body); err != nil {
			t.Errorf("%s: %v\n%s", c.path, err, got.body)
		}
	}
	if got := b.send("GET", "/v1/openapi.json", "", ""); got.status != 200 || got.body != string(openAPI) {
		t.Errorf("the document: %d", got.status)
	}
}

// fits checks a JSON text against a schema with the components of the document.
func fits(t *testing.T, want, text string) error {
	t.Helper()
	var whole map[string]any
	if err := json.Unmarshal(openAPI, &whole); err != nil {
		t.Fatal(err)
	}
	root, err := jsonschema.UnmarshalJSON(strings.NewReader(want))
	if err != nil {
		t.Fatal(err)
	}
	top, ok := root.(map[string]any)
	if !ok {
		t.Fatalf("%s is no schema", want)
	}
	top["components"] = whole["components"]
	c := jsonschema.NewCompiler()
	if err := c.AddResource("api.json", root); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("api.json")
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return err
	}
	return s.Validate(v)
}
