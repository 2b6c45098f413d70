package audit

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/custos-zt/custos/access"
)

// accounted sets what stands behind a decision.
func accounted(r *Record) {
	r.Matched = append(r.Matched, access.Match{Rule: "odd", Effect: access.Deny, Position: "a:3", Open: []access.Condition{{Field: "args.to"}}})
	r.MatchedMore = 3
	r.Nearest = &access.Nearest{Rule: "read", Position: "a:4", Open: []access.Condition{{Field: "paths", Truth: access.False}, {Field: "unless"}}}
	r.StepUp = &access.StepUp{ACR: []string{"phr"}, MFA: true, MaxAgeS: 600}
	r.Facts = []Fact{
		{Name: "device.encrypted", Value: json.RawMessage(`true`), Source: "posture", AgeMS: 1200},
		{Name: "device.list", Source: "posture"},
	}
	r.Trust = &Trust{Score: 70, Parts: []TrustPart{{Of: "device", Points: -10}}}
	r.Lease, r.KeyAgeS, r.HoldUS = "l_4", 30, 900
	r.Judged = &Judged{Paths: []string{"AbCdEf-_"}, Hosts: []string{"AbCdEf01"}, Args: []string{"AbCdEf02"}, Omitted: 2}
	r.Args = &Args{
		Names: []string{"path", "n"}, Types: []string{"string", "number"}, Lengths: []int{5, 1}, Count: 2, Bytes: 20, HMAC: "hmac-sha256:00",
		Tier: 2, Values: []string{`"/x\",\"decision\":\"allow"`, ""}, Age: "YWdl", Masked: true,
	}
}

func TestAccountSurvivesStorage(t *testing.T) {
	want := full()
	accounted(&want)
	line := appendStored(nil, &want)
	got, err := Decode(line)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("(-stored +read)\n%s", d)
	}
}

func compileSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("record.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("record.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func valid(t testing.TB, s *jsonschema.Schema, line []byte) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return s.Validate(v)
}

// TestRecordsAreValidBySchema validates every record of a log that was written
// in earnest, and records with every field set, stored and exported.
func TestRecordsAreValidBySchema(t *testing.T) {
	s := compileSchema(t)
	check := func(r *Record) {
		for _, line := range [][]byte{appendStored(nil, r), r.ExportJSON()} {
			if err := valid(t, s, line); err != nil {
				t.Errorf("%s: %v", line, err)
			}
		}
	}
	logDir, dir := slot(t)
	l := mustOpen(t, dir, options(t))
	fill(t, l, 20)
	mustClose(t, l)
	n := 0
	for r, err := range Read(logDir, ReadOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		check(&r)
		n++
	}
	if n < 20 {
		t.Fatalf("%d records were checked", n)
	}
	whole := full()
	accounted(&whole)
	check(&whole)
	for _, kind := range []Kind{KindGenesis, KindOutcome, KindOutcomeUnknown, KindStop, KindAnomaly, KindAdmission} {
		check(&Record{
			Version: 1, Seq: 1, Prev: genesisPrev, Kind: kind, Time: time.Unix(0, 0), Status: map[bool]Status{true: StatusOK}[kind == KindOutcome],
			Reason: access.DefaultDenied,
		})
	}
}

func TestSchemaRefuses(t *testing.T) {
	s := compileSchema(t)
	r := full()
	accounted(&r)
	good := string(appendStored(nil, &r))
	for name, line := range map[string]string{
		"no prev":         strings.Replace(good, `"prev":`, `"before":`, 1),
		"no decision":     strings.Replace(good, `"decision":"allow"`, `"decided":"allow"`, 1),
		"another effect":  strings.Replace(good, `"decision":"allow"`, `"decision":"maybe"`, 1),
		"a whole digest":  strings.Replace(good, `"AbCdEf-_"`, `"AbCdEf-_AbCdEf-_"`, 1),
		"a local time":    strings.Replace(good, `123456Z"`, `123456+01:00"`, 1),
		"a textual count": strings.Replace(good, `"count":2`, `"count":"2"`, 1),
	} {
		if line == good {
			t.Fatalf("%s: nothing was changed", name)
		}
		if valid(t, s, []byte(line)) == nil {
			t.Errorf("%s is valid", name)
		}
	}
}

// TestSchemaDescribesEveryField: whoever adds a field to a record describes it
// in record.schema.json.
func TestSchemaDescribesEveryField(t *testing.T) {
	var root map[string]any
	if err := json.Unmarshal(Schema(), &root); err != nil {
		t.Fatal(err)
	}
	described(t, "record", reflect.TypeFor[Record](), root)
}

func described(t *testing.T, where string, typ reflect.Type, schema map[string]any) {
	t.Helper()
	switch typ.Kind() {
	case reflect.Pointer:
		described(t, where, typ.Elem(), schema)
		return
	case reflect.Slice:
		if items, ok := schema["items"].(map[string]any); ok {
			described(t, where+"[]", typ.Elem(), items)
		}
		return
	case reflect.Struct:
	default:
		return
	}
	if typ == reflect.TypeFor[time.Time]() || schema["$ref"] != nil {
		return
	}
	properties, _ := schema["properties"].(map[string]any)
	for i := range typ.NumField() {
		name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		property, ok := properties[name].(map[string]any)
		if !ok {
			t.Errorf("%s.%s is not described in record.schema.json", where, name)
			continue
		}
		described(t, where+"."+name, typ.Field(i).Type, property)
	}
}
