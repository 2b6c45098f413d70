package casbin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	casbingo "github.com/casbin/casbin/v3"
	"github.com/casbin/casbin/v3/model"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/policy"
	"github.com/custos-zt/custos/policy/enginetest"
)

// workload writes rules for the adapter.
func workload(rules []enginetest.Rule) string {
	var b strings.Builder
	for _, r := range rules {
		object := "hub." + r.Tool
		if r.Prefix {
			object += "*"
		}
		fmt.Fprintf(&b, "p, %s, role:corp:%s, %s, \"number(r.ctx, 'limit') <= %d", r.ID, r.Role, object, r.Max)
		if r.Moded {
			b.WriteString(" && text(r.ctx, 'mode') in ('fast', 'safe')")
		}
		if r.Dir != "" {
			fmt.Fprintf(&b, " && keyMatch(text(r.ctx, 'path'), '%s/*')", r.Dir)
		}
		if r.Below > 0 {
			fmt.Fprintf(&b, " && number(r.ctx, 'limit') < %d", r.Below)
		}
		fmt.Fprintf(&b, "\", %s\n", r.Effect)
	}
	return b.String()
}

func workloadEngine(t testing.TB, rules []enginetest.Rule) policy.Engine {
	t.Helper()
	e, err := compile(workload(rules))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// alone is Casbin as its users embed it: attributes of the request in eval(),
// one enforcer for each effect, asked in order until one answers.
type alone []*casbingo.Enforcer

const aloneModel = `
[request_definition]
r = roles, obj, args

[policy_definition]
p = role, obj, cond

[policy_effect]
e = some(where (p.eft == allow))

[matchers]
m = keyMatch(r.obj, p.obj) && contains(r.roles, p.role) && eval(p.cond)
`

func newAlone(t testing.TB, rules []enginetest.Rule) alone {
	t.Helper()
	var out alone
	for _, effect := range []access.Effect{access.Deny, access.Approve, access.Allow} {
		var rows [][]string
		for _, r := range rules {
			if r.Effect != effect {
				continue
			}
			object, condition := r.Tool, fmt.Sprintf("r.args.limit <= %d", r.Max)
			if r.Prefix {
				object += "*"
			}
			if r.Moded {
				condition += " && r.args.mode in ('fast', 'safe')"
			}
			if r.Dir != "" {
				condition += fmt.Sprintf(" && keyMatch(r.args.path, '%s/*')", r.Dir)
			}
			if r.Below > 0 {
				condition += fmt.Sprintf(" && r.args.limit < %d", r.Below)
			}
			rows = append(rows, []string{r.Role, object, condition})
		}
		out = append(out, newEnforcer(t, rows))
	}
	return out
}

func newEnforcer(t testing.TB, rows [][]string) *casbingo.Enforcer {
	t.Helper()
	m, err := model.NewModelFromString(aloneModel)
	if err != nil {
		t.Fatal(err)
	}
	e, err := casbingo.NewEnforcer(m)
	if err != nil {
		t.Fatal(err)
	}
	e.AddFunction("contains", func(args ...any) (any, error) {
		r, _ := args[0].(*access.Request)
		role, _ := args[1].(string)
		return slices.Contains(r.Subject.Roles, role), nil
	})
	if _, err := e.AddPolicies(rows); err != nil {
		t.Fatal(err)
	}
	return e
}

func (a alone) Decide(_ context.Context, r *access.Request) (access.Decision, error) {
	var args map[string]any
	d := access.Decision{Effect: access.Deny}
	if err := json.Unmarshal([]byte(r.Args.Raw()), &args); err != nil {
		return d, err //nolint:wrapcheck // measured as it is
	}
	for i, effect := range []access.Effect{access.Deny, access.Approve, access.Allow} {
		if p, err := a[i].GetPolicy(); err != nil || len(p) == 0 {
			continue
		}
		ok, err := a[i].Enforce(r, r.Name, args)
		if err != nil {
			return d, err //nolint:wrapcheck // measured as it is
		}
		if ok {
			d.Effect = effect
			break
		}
	}
	return d, nil
}

// TestAlone shows what Casbin answers to the table when it stands alone with
// the same deny rule, and that the adapter denies each of the calls that Casbin
// lets past it. An error of Casbin is counted as a deny, which is up to those
// who embed it.
func TestAlone(t *testing.T) {
	passed := map[bool][]string{
		false: {},
		true:  {"mode is null", "mode is a number", "mode is a list", "mode is an object"},
	}
	conditions := map[bool]string{false: "r.args.limit > 100", true: "r.args.mode == 'force'"}
	for byMode, text := range map[bool]string{false: limit, true: mode} {
		adapter, err := compile(text)
		if err != nil {
			t.Fatal(err)
		}
		a := alone{
			newEnforcer(t, [][]string{{"support", "pay", conditions[byMode]}}),
			newEnforcer(t, nil),
			newEnforcer(t, [][]string{{"support", "*", "true"}}),
		}
		got := []string{}
		for _, c := range enginetest.Table() {
			if c.Mode != byMode || c.Allowed {
				continue
			}
			r := enginetest.Call(t, "pay", c.Args)
			if d, err := a.Decide(t.Context(), r); err == nil && d.Effect == access.Allow {
				got = append(got, c.Name)
			}
			if d, err := adapter.Decide(t.Context(), r); err != nil || d.Effect != access.Deny {
				t.Errorf("%s: the adapter says %v, error %v", c.Name, d.Effect, err)
			}
		}
		if !slices.Equal(got, passed[byMode]) {
			t.Errorf("Casbin alone lets past a deny rule: %q, noted are %q", got, passed[byMode])
		}
	}
}

func TestWorkload(t *testing.T) {
	enginetest.Agree(t, []int{10, 100, 1000}, workloadEngine)
	enginetest.Agree(t, []int{10, 100}, func(t testing.TB, rules []enginetest.Rule) policy.Engine {
		t.Helper()
		return newAlone(t, rules)
	})
}

// BenchmarkDecide measures one decision natively, through this adapter and by
// Casbin alone, over the same rules and calls.
func BenchmarkDecide(b *testing.B) {
	enginetest.BenchAll(b, map[string]func(testing.TB, []enginetest.Rule) policy.Engine{
		"casbin-adapter": workloadEngine,
		"casbin": func(t testing.TB, rules []enginetest.Rule) policy.Engine {
			t.Helper()
			return newAlone(t, rules)
		},
	})
}
