package opa_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"cel.dev/cel-go/cel"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/policy"
	"github.com/custos-zt/custos/policy/enginetest"
)

// linearCEL is what a host makes of an expression library: one program a rule,
// deny rules first, then holds, then allows, until one answers. It stands here
// to be measured beside the engines; there is no such adapter.
type linearCEL [3][]cel.Program

func newLinearCEL(t testing.TB, rules []enginetest.Rule) policy.Engine {
	t.Helper()
	env, err := cel.NewEnv(
		cel.Variable("name", cel.StringType), cel.Variable("roles", cel.ListType(cel.StringType)),
		cel.Variable("args", cel.MapType(cel.StringType, cel.DynType)))
	if err != nil {
		t.Fatal(err)
	}
	var out linearCEL
	for _, r := range rules {
		ast, issues := env.Compile(expression(r))
		if issues.Err() != nil {
			t.Fatal(issues.Err())
		}
		p, err := env.Program(ast)
		if err != nil {
			t.Fatal(err)
		}
		i := access.Deny - r.Effect
		out[i] = append(out[i], p)
	}
	return out
}

func expression(r enginetest.Rule) string {
	name := fmt.Sprintf("name == %q", r.Tool)
	if r.Prefix {
		name = fmt.Sprintf("name.startsWith(%q)", r.Tool)
	}
	parts := []string{name, fmt.Sprintf("%q in roles", r.Role), fmt.Sprintf("args.limit <= %d", r.Max)}
	if r.Moded {
		parts = append(parts, `args.mode in ["fast", "safe"]`)
	}
	if r.Dir != "" {
		parts = append(parts, fmt.Sprintf("args.path.startsWith(%q)", r.Dir+"/"))
	}
	if r.Below > 0 {
		parts = append(parts, fmt.Sprintf("args.limit < %d", r.Below))
	}
	return strings.Join(parts, " && ")
}

func (c linearCEL) Decide(_ context.Context, r *access.Request) (access.Decision, error) {
	args := make(map[string]any, r.Args.Len())
	for _, m := range r.Args.Members() {
		if args[m.Key] = any(m.Value.Text()); m.Value.Kind() == access.Number {
			n, err := strconv.ParseInt(m.Value.Raw(), 10, 64)
			if err != nil {
				return access.Decision{Effect: access.Deny}, err //nolint:wrapcheck // measured as it is
			}
			args[m.Key] = n
		}
	}
	in := map[string]any{"name": r.Name, "roles": r.Subject.Roles, "args": args}
	for i, programs := range c {
		for _, p := range programs {
			v, _, err := p.Eval(in)
			if err != nil {
				return access.Decision{Effect: access.Deny}, err //nolint:wrapcheck // measured as it is
			}
			if v.Value() == true {
				return access.Decision{Effect: access.Deny - access.Effect(i)}, nil
			}
		}
	}
	return access.Decision{Effect: access.Deny}, nil
}

func TestLinearCELWorkload(t *testing.T) {
	enginetest.Agree(t, []int{10, 100, 1000}, newLinearCEL)
}
