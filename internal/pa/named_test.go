package pa

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/policy"
)

// TestNamedArguments: a request carries the values that rules name, in
// exceptions too, and no others.
func TestNamedArguments(t *testing.T) {
	s, problems := policy.Compile([]policy.Source{{Name: "p.yaml", Data: []byte(`policy: p
backend: b
rules:
  - {id: r, allow: [t], args: {limit: {max: 5}, "to[]": {enum: [a, b]}}, unless: [{args: {opts.dry: {enum: [true]}}}]}
  - {id: s, deny: [u], args: {limit: {min: 9}}}
`)}}, policy.Options{})
	if s == nil {
		t.Fatal(problems)
	}
	a := New(Options{})
	a.Publish(s)
	for text, want := range map[string][]string{
		`{"limit":3,"to":["a","x"],"opts":{"dry":true,"wet":1},"other":"secret"}`: {"limit=3", `to[]="a"`, `to[]="x"`, "opts.dry=true"},
		`{"to":"a","opts":[1],"Limit":3}`:                                         nil,
		`{}`:                                                                      nil,
	} {
		args, err := canon.Parse(text, canon.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		r := &access.Request{Kind: access.Tool, Method: "tools/call", Backend: "b", Name: "t", Args: args}
		var d access.Decision
		a.Authorize(r, nil, &d)
		var got []string
		for _, n := range r.Named {
			got = append(got, n.Path+"="+n.Value.Raw())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}
