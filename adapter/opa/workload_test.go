package opa_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/policy"
	"github.com/custos-zt/custos/policy/enginetest"
)

// workload writes rules in Rego, in the form that OPA indexes.
func workload(rules []enginetest.Rule) string {
	var b strings.Builder
	for _, r := range rules {
		set := map[access.Effect]string{access.Allow: "allows", access.Approve: "holds", access.Deny: "denies"}[r.Effect]
		fmt.Fprintf(&b, "%s contains %q if {\n", set, r.ID)
		if r.Prefix {
			fmt.Fprintf(&b, "\tstartswith(input.name, %q)\n", r.Tool)
		} else {
			fmt.Fprintf(&b, "\tinput.name == %q\n", r.Tool)
		}
		fmt.Fprintf(&b, "\t%q in input.subject.roles\n\tinput.args.limit <= %d\n", r.Role, r.Max)
		if r.Moded {
			b.WriteString("\tinput.args.mode in {\"fast\", \"safe\"}\n")
		}
		if r.Dir != "" {
			fmt.Fprintf(&b, "\tstartswith(input.args.path, %q)\n", r.Dir+"/")
		}
		if r.Below > 0 {
			fmt.Fprintf(&b, "\tinput.args.limit < %d\n", r.Below)
		}
		b.WriteString("}\n")
	}
	return inRego(b.String())
}

func workloadEngine(t testing.TB, rules []enginetest.Rule) policy.Engine {
	t.Helper()
	e, err := compile(workload(rules))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// alone is OPA as its users embed it: a prepared query over the same policy,
// nothing strict, and an input of Go maps.
type alone struct{ query rego.PreparedEvalQuery }

func newAlone(t testing.TB, text string) alone {
	t.Helper()
	q, err := rego.New(rego.Query("data.custos.decision.outcome"), rego.Module("custos.rego", text)).PrepareForEval(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return alone{q}
}

func (a alone) Decide(ctx context.Context, r *access.Request) (access.Decision, error) {
	args := make(map[string]any, r.Args.Len())
	for _, m := range r.Args.Members() {
		if args[m.Key] = any(m.Value.Text()); m.Value.Kind() == access.Number {
			args[m.Key] = json.Number(m.Value.Raw())
		}
	}
	results, err := a.query.Eval(ctx, rego.EvalInput(map[string]any{
		"name": r.Name, "args": args, "subject": map[string]any{"roles": r.Subject.Roles},
	}))
	d := access.Decision{Effect: access.Deny}
	if err == nil && len(results) == 1 {
		text, _ := results[0].Expressions[0].Value.(string)
		err = d.Effect.UnmarshalText([]byte(text))
	}
	return d, err //nolint:wrapcheck // measured as it is
}

func TestWorkload(t *testing.T) {
	enginetest.Agree(t, []int{10, 100, 1000}, workloadEngine)
	enginetest.Agree(t, []int{10, 100, 1000}, func(t testing.TB, rules []enginetest.Rule) policy.Engine {
		t.Helper()
		return newAlone(t, workload(rules))
	})
}

// BenchmarkDecide measures one decision natively, through this adapter, by OPA
// alone and by linear CEL, over the same rules and calls.
func BenchmarkDecide(b *testing.B) {
	enginetest.BenchAll(b, map[string]func(testing.TB, []enginetest.Rule) policy.Engine{
		"opa-adapter": workloadEngine,
		"opa": func(t testing.TB, rules []enginetest.Rule) policy.Engine {
			t.Helper()
			return newAlone(t, workload(rules))
		},
		"cel-linear": newLinearCEL,
	})
}
