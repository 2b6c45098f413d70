package pdp_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
)

// A decision that is used again holds nothing of the one before: no mark of a
// rule that matched in the same place, and no words of a rule that another one
// overrules.
func TestADecisionIsUsedAgain(t *testing.T) {
	s := compile(t, `
policy: p
backend: b
rules:
  - {id: marked, deny: [b.old], mode: monitor, message: Old words., remediation: Old advice.}
  - {id: plain, allow: [b.old, b.new, b.held], message: Words of the allow., remediation: Advice of the allow.}
  - {id: hold, approve: [b.held], grants: false}
`)
	tests := []struct {
		tool, message, remediation string
		want                       []access.Match
	}{
		{"old", "Words of the allow.", "Advice of the allow.", []access.Match{
			{Rule: "marked", Effect: access.Deny, Truth: access.True, Position: "generated.yaml:5", Monitor: true},
			{Rule: "plain", Effect: access.Allow, Truth: access.True, Position: "generated.yaml:6"},
		}},
		{"new", "Words of the allow.", "Advice of the allow.", []access.Match{
			{Rule: "plain", Effect: access.Allow, Truth: access.True, Position: "generated.yaml:6"},
		}},
		{"held", "A person has to allow this call.", "", []access.Match{
			{Rule: "plain", Effect: access.Allow, Truth: access.True, Position: "generated.yaml:6"},
			{Rule: "hold", Effect: access.Approve, Truth: access.True, Position: "generated.yaml:7"},
		}},
	}
	var d access.Decision
	for _, test := range tests {
		for i := range d.Matched { // what package pdp itself adds afterwards
			d.Matched[i].Open, d.Matched[i].Lifted = []access.Condition{{Field: "args.x"}}, true
		}
		s.Decide(&access.Request{Kind: access.Tool, Backend: "b", Name: test.tool, Tool: access.ToolFacts{Described: true}}, &d)
		if diff := cmp.Diff(test.want, d.Matched); diff != "" {
			t.Errorf("%s: -want +got\n%s", test.tool, diff)
		}
		if d.Message != test.message || d.Remediation != test.remediation {
			t.Errorf("%s: %q, %q", test.tool, d.Message, d.Remediation)
		}
	}
}
