package inventory

import (
	"strings"
	"testing"

	"github.com/custos-zt/custos/internal/canon"
)

// FuzzCheckAgainstLibrary holds the simple form of schemas against the general
// validator: where both judge, they say the same, and the simple form takes no
// schema that the other refuses.
func FuzzCheckAgainstLibrary(f *testing.F) {
	for _, tc := range checks() {
		f.Add(tc.schema, tc.valid)
		f.Add(tc.schema, tc.invalid)
	}
	f.Add(`{"type":"string"}`, `{}`)
	f.Add(`{"enum":["a"]}`, `{}`)
	f.Fuzz(func(t *testing.T, schema, args string) {
		s, err := canon.Parse(schema, canon.Limits{})
		if err != nil {
			return
		}
		simple := compileShape(s, 0)
		if simple == nil {
			return
		}
		v, err := canon.Parse(args, canon.Limits{})
		if err != nil || !strings.HasPrefix(v.Raw(), "{") {
			return
		}
		general, err := compileLibrary(s)
		if err != nil {
			t.Fatalf("the simple form takes %s, which is refused: %v", schema, err)
		}
		if got, want := simple.object(v, true), general.valid(v); got != want {
			t.Fatalf("schema %s\nargs %s\nsimple form %v, general validator %v", schema, args, got, want)
		}
	})
}

// FuzzParseTools checks that whatever a backend lists is read without panic
// and that nothing usable comes out under a name that is not unmistakable.
func FuzzParseTools(f *testing.F) {
	f.Add(`{"tools":[{"name":"a","inputSchema":{}},{"name":"b"}]}`)
	f.Add(`{"tools":[{"name":"a"},{"name":"A"},{"name":""},{"name":1},7]}`)
	f.Add(`{"tools":[{"name":"pаy"},{"name":"pay"},{"name":"p\u200bay"}],"nextCursor":"x"}`)
	f.Add(`{"tools":{}}`)
	f.Fuzz(func(t *testing.T, text string) {
		v, err := canon.Parse(text, canon.Limits{})
		if err != nil {
			return
		}
		tools, _ := ParseTools(v)
		looks := map[string]string{}
		for i := range tools {
			d := &tools[i]
			if d.Name == "" || d.Digest != canon.Digest(d.Value) || !strings.Contains(text, d.Raw) {
				t.Fatalf("definition %d is not what was listed", i)
			}
			look := appearance(d.Name)
			if twin, ok := looks[look]; ok && d.Quarantine == "" {
				t.Fatalf("%q and %q are confusable and callable", twin, d.Name)
			}
			looks[look] = d.Name
			d.Check(v)
		}
		filtered, err := FilterList(`{"result":`+text+`}`, v, "tools", func(i int) bool { return i%2 == 0 })
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if _, err := canon.Parse(filtered, canon.Limits{}); err != nil {
			t.Fatalf("filtering %s gave %s: %v", text, filtered, err)
		}
	})
}
