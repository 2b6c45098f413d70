package policy_test

import (
	"testing"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/policy"
)

// Conditions on unlisted arguments are shared between rules that name the same
// arguments. "a b" is one argument, and a and b are two.
func TestArgumentsWithBlanksAreNotSeveral(t *testing.T) {
	s, problems := policy.Compile([]policy.Source{{Name: "p.yaml", Data: []byte(`policy: p
backend: b
rules:
  - {id: two, allow: [t], args: {a: {}, b: {}}, unlisted_args: reject}
  - {id: one, allow: [u], args: {a b: {optional: true}}, unlisted_args: reject}
`)}}, policy.Options{})
	if s == nil {
		t.Fatal(problems)
	}
	for _, c := range []struct {
		tool, args string
		want       access.Effect
	}{
		{"t", `{"a":1,"b":2}`, access.Allow},
		{"t", `{"a b":1}`, access.Deny},
		{"u", `{"a b":1}`, access.Allow},
		{"u", `{"a":1,"b":2}`, access.Deny},
	} {
		args, err := canon.Parse(c.args, canon.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		var d access.Decision
		s.Decide(&access.Request{Kind: access.Tool, Backend: "b", Name: c.tool, Args: args}, &d)
		if d.Effect != c.want {
			t.Errorf("%s %s: %s, want %s", c.tool, c.args, d.Effect, c.want)
		}
	}
}
