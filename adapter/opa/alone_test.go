package opa_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/policy/enginetest"
)

// TestAlone shows what OPA answers to the table when it stands alone, and that
// the adapter denies each of the calls that OPA lets past a deny rule. If OPA
// changes, this says where.
func TestAlone(t *testing.T) {
	passed := map[bool][]string{
		false: {"no limit", "no limit but others", "limit is null", "limit is a boolean"},
		true:  {"no mode", "mode is null", "mode is a number", "mode is a list", "mode is an object"},
	}
	for byMode, text := range map[bool]string{false: inRego(limit), true: inRego(mode)} {
		adapter, err := compile(text)
		if err != nil {
			t.Fatal(err)
		}
		alone, err := rego.New(rego.Query("data.custos.decision.outcome"), rego.Module("custos.rego", text)).PrepareForEval(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range enginetest.Table() {
			if c.Mode != byMode || c.Allowed {
				continue
			}
			in := map[string]any{"name": "pay", "args": json.RawMessage(c.Args)}
			results, err := alone.Eval(t.Context(), rego.EvalInput(in))
			if err != nil {
				t.Errorf("%s: %v", c.Name, err)
				continue
			}
			if len(results) == 1 && results[0].Expressions[0].Value == "allow" {
				got = append(got, c.Name)
			}
			if d, err := adapter.Decide(t.Context(), enginetest.Call(t, "pay", c.Args)); err != nil || d.Effect != access.Deny {
				t.Errorf("%s: the adapter says %v, error %v", c.Name, d.Effect, err)
			}
		}
		if !slices.Equal(got, passed[byMode]) {
			t.Errorf("OPA alone lets past a deny rule: %q, noted are %q", got, passed[byMode])
		}
	}
}
