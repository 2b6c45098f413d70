package pdp_test

import (
	"testing"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/pdp"
)

// counted is an expression that counts how often it is asked.
type counted struct {
	answer access.Truth
	asked  int
}

func (c *counted) Judge(*access.Request) access.Truth { c.asked++; return c.answer }

func (c *counted) Seen(*access.Request) string { return c.answer.String() }

// What native conditions decide asks no expression, and rules that repeat one
// ask it once.
func TestExpressionsAreAskedLast(t *testing.T) {
	target := []pdp.Target{{Kind: access.Tool, Backend: pdp.ParseName(access.Tool, "b"), Name: pdp.ParseName(access.Tool, "t")}}
	for name, c := range map[string]struct {
		effect access.Effect
		tier   string
		answer access.Truth
		asked  int
		want   access.Effect
	}{
		"granted":                    {access.Allow, "low", access.True, 1, access.Allow},
		"not granted":                {access.Allow, "low", access.Unknown, 1, access.Deny},
		"allow with a false one":     {access.Allow, "high", access.True, 0, access.Deny},
		"allow with an unknown one":  {access.Allow, "", access.True, 0, access.Deny},
		"deny":                       {access.Deny, "low", access.Unknown, 1, access.Deny},
		"deny with an unknown one":   {access.Deny, "", access.False, 1, access.Allow},
		"deny with a false one":      {access.Deny, "high", access.True, 0, access.Allow},
		"approve holds by suspicion": {access.Approve, "low", access.Unknown, 1, access.Approve},
	} {
		t.Run(name, func(t *testing.T) {
			e := &counted{answer: c.answer}
			ops := func() []pdp.Op {
				return []pdp.Op{
					{Code: pdp.CodeWhen, Group: pdp.GroupExpression, When: e, Field: "when"},
					{Code: pdp.CodeTier, Group: pdp.GroupWhat, Names: []string{"low"}, Field: "tool_tier"},
				}
			}
			rules := []pdp.Rule{
				{ID: "a", Layer: "global", Effect: c.effect, Targets: target, Ops: ops()},
				{ID: "b", Layer: "global", Effect: c.effect, Targets: target, Ops: ops()},
			}
			if c.effect != access.Allow {
				rules = append(rules, pdp.Rule{ID: "c", Layer: "global", Effect: access.Allow, Targets: target})
			}
			s := pdp.Build(pdp.Program{Rules: rules})
			var d access.Decision
			s.Decide(&access.Request{Kind: access.Tool, Backend: "b", Name: "t", Tool: access.ToolFacts{Described: true, Tier: c.tier}}, &d)
			if d.Effect != c.want {
				t.Errorf("%s, want %s: %+v", d.Effect, c.want, d)
			}
			if e.asked != c.asked {
				t.Errorf("asked %d times, want %d", e.asked, c.asked)
			}
		})
	}
}
