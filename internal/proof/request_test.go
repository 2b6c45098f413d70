package proof

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
)

func TestReadRequestCounted(t *testing.T) {
	r, def, id, err := ReadRequest([]byte(`{"id":"1","tool":"t","counters":{"flood":7},"lifts":["incident"]}`), "b")
	if err != nil || id != "1" || def != nil {
		t.Fatal(id, def, err)
	}
	if diff := cmp.Diff(map[string]int64{"flood": 7}, r.Counters); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"incident"}, r.Lifts); diff != "" {
		t.Error(diff)
	}
	for in, want := range map[string]string{
		`{"tool":"t","counters":[]}`:           "counters are an object",
		`{"tool":"t","counters":{"a":-1}}`:     "counters.a is not a number of calls",
		`{"tool":"t","counters":{"a":1.5}}`:    "counters.a is not a number of calls",
		`{"tool":"t","counters":{"a":"1"}}`:    "counters.a is not a number of calls",
		`{"tool":"t","lifts":"incident"}`:      "lifts is a list",
		`{"tool":"t","counter":{"a":1}}`:       `did you mean "counters"?`,
		`{"tool":"t","facts":{},"facts":{}}`:   "duplicate key",
		`{"tool":"t","method":"tools/list"}`:   "does not ask for a tool",
		`{"tool":"t","now":"yesterday"}`:       "now is a time",
		`{"tool":"t","subject":{"roles":"x"}}`: "subject.roles is a list",
	} {
		if _, _, _, err := ReadRequest([]byte(in), "b"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", in, err, want)
		}
	}
}

// Whatever is read as a request has the shape that deciding it relies on.
func FuzzReadRequest(f *testing.F) {
	f.Add(`{"tool":"t","arguments":{"a":1},"subject":{"id":"a","roles":["x"]},"facts":{"a":{"value":1,"age_s":2}}}`)
	f.Add(`{"uri":"note://a","session":{"id":"s","read":[]},"now":"2026-11-20T10:00:00Z"}`)
	f.Add(`{"method":"tools/list","counters":{"a":1},"lifts":["b"],"schema":{"type":"object"}}`)
	f.Fuzz(func(t *testing.T, line string) {
		r, _, _, err := ReadRequest([]byte(line), "b")
		if err != nil {
			return
		}
		if r.Method == "" || r.Name == "" || r.Args.Kind() != access.Object {
			t.Errorf("%s: read as %+v", line, r)
		}
	})
}
