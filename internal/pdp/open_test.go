package pdp_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/policy"
)

// TestWhatWasNotTrue: a decision says what suspicion rested on, and what would
// have had to be true for a grant; its message says which value it repeats.
func TestWhatWasNotTrue(t *testing.T) {
	s, problems := policy.Compile([]policy.Source{{Name: "p.yaml", Data: []byte(`policy: p
backend: b
rules:
  - {id: pub, allow: [read], paths: [/srv/**], args: {max: {max: 5}}}
  - {id: corp, deny: [send], args: {to: {pattern: evil}}}
  - {id: send, allow: [send]}
  - {id: big, allow: [pay], args: {sum: {max: 10}}, else: approve, unlisted_args: allow}
`)}}, policy.Options{})
	if s == nil {
		t.Fatal(problems)
	}
	for _, c := range []struct {
		tool, args string
		place      string
		matched    []access.Condition // of the first match
		nearest    []access.Condition
		shown      string
	}{
		{
			tool: "read", args: `{"max":9}`, place: "/etc/x",
			nearest: []access.Condition{{Field: "args.max", Truth: access.False}, {Field: "paths", Truth: access.False}}, shown: "/etc/x",
		},
		{tool: "send", args: `{"to":7}`, matched: []access.Condition{{Field: "args.to", Truth: access.Unknown}}},
		{tool: "pay", args: `{"sum":99}`, matched: []access.Condition{{Field: "args.sum", Truth: access.False}}},
		{tool: "pay", args: `{"sum":9}`},
	} {
		v, err := canon.Parse(c.args, canon.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		r := &access.Request{Kind: access.Tool, Method: "tools/call", Backend: "b", Name: c.tool, Args: v}
		if c.place != "" {
			r.Places = []access.Place{{Arg: "path", Raw: c.place, Declared: true, Grantable: true, Readings: []string{c.place}}}
		}
		var d access.Decision
		s.Decide(r, &d)
		s.Account(r, &d)
		var matched, nearest []access.Condition
		if len(d.Matched) > 0 {
			matched = d.Matched[0].Open
		}
		if d.Nearest != nil {
			nearest = d.Nearest.Open
		}
		if diff := cmp.Diff([]any{c.matched, c.nearest, c.shown}, []any{matched, nearest, d.Shown}); diff != "" {
			t.Errorf("%s %s: %s %s: %s", c.tool, c.args, d.Effect, d.Reason, diff)
		}
	}
}
