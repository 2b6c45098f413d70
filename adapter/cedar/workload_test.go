package cedar_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	cedargo "github.com/cedar-policy/cedar-go"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/policy"
	"github.com/custos-zt/custos/policy/enginetest"
)

// workload writes rules in Cedar.
func workload(rules []enginetest.Rule) string {
	var b strings.Builder
	for _, r := range rules {
		effect, outcome := "permit", ""
		switch r.Effect {
		case access.Deny:
			effect = "forbid"
		case access.Approve:
			outcome = `@outcome("approve") `
		default:
		}
		head, when := fmt.Sprintf("resource == Tool::%q", "hub."+r.Tool), ""
		if r.Prefix {
			head, when = "resource", fmt.Sprintf("resource.name like %q && ", r.Tool+"*")
		}
		fmt.Fprintf(&b, "@id(%q) %s%s (principal in Role::%q, action, %s) when { %scontext.args.limit <= %d", r.ID, outcome, effect, "corp:"+r.Role, head, when, r.Max)
		if r.Moded {
			b.WriteString(` && ["fast", "safe"].contains(context.args.mode)`)
		}
		if r.Dir != "" {
			fmt.Fprintf(&b, " && context.args.path like %q", r.Dir+"/*")
		}
		if r.Below > 0 {
			fmt.Fprintf(&b, " && context.args.limit < %d", r.Below)
		}
		b.WriteString(" };\n")
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

// alone is Cedar as its users embed it: the policy set as written, a request
// converted with encoding/json, and the outcome looked up by policy id.
type alone struct {
	set      *cedargo.PolicySet
	approves map[cedargo.PolicyID]bool
}

func newAlone(t testing.TB, text string) alone {
	t.Helper()
	set, err := cedargo.NewPolicySetFromBytes("custos.cedar", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	a := alone{set, map[cedargo.PolicyID]bool{}}
	for id, p := range set.All() {
		a.approves[id] = p.Annotations()["outcome"] == "approve"
	}
	return a
}

// request reports false for what Cedar's own reader of JSON refuses.
func (alone) request(r *access.Request) (cedargo.Request, bool) {
	var args cedargo.Record
	err := json.Unmarshal([]byte(r.Args.Raw()), &args)
	return cedargo.Request{
		Principal: cedargo.NewEntityUID("Subject", cedargo.String(r.Subject.String())),
		Action:    cedargo.NewEntityUID("Action", cedargo.String(r.Method)),
		Resource:  cedargo.NewEntityUID("Tool", cedargo.String(r.Backend+"."+r.Name)),
		Context:   cedargo.NewRecord(cedargo.RecordMap{"args": args}),
	}, err == nil
}

func (a alone) Decide(_ context.Context, r *access.Request) (access.Decision, error) {
	q, ok := a.request(r)
	if !ok {
		return access.Decision{Effect: access.Deny}, errors.New("refused by the reader")
	}
	var parents []cedargo.EntityUID
	for _, role := range r.Subject.Roles {
		parents = append(parents, cedargo.NewEntityUID("Role", cedargo.String("corp:"+role)))
	}
	entities := cedargo.EntityMap{
		q.Principal: {UID: q.Principal, Parents: cedargo.NewEntityUIDSet(parents...)},
		q.Resource:  {UID: q.Resource, Attributes: cedargo.NewRecord(cedargo.RecordMap{"name": cedargo.String(r.Name)})},
	}
	decision, diagnostic := cedargo.Authorize(a.set, entities, q)
	d := access.Decision{Effect: access.Deny}
	if decision == cedargo.Allow {
		d.Effect = access.Allow
		for _, reason := range diagnostic.Reasons {
			if a.approves[reason.PolicyID] {
				d.Effect = access.Approve
			}
		}
	}
	return d, nil
}

func TestWorkload(t *testing.T) {
	enginetest.Agree(t, []int{10, 100, 1000}, workloadEngine)
	enginetest.Agree(t, []int{10, 100, 1000}, func(t testing.TB, rules []enginetest.Rule) policy.Engine {
		t.Helper()
		return newAlone(t, workload(rules))
	})
}

// BenchmarkDecide measures one decision natively, through this adapter with
// its index and by Cedar alone, over the same rules and calls.
func BenchmarkDecide(b *testing.B) {
	enginetest.BenchAll(b, map[string]func(testing.TB, []enginetest.Rule) policy.Engine{
		"cedar-adapter": workloadEngine,
		"cedar": func(t testing.TB, rules []enginetest.Rule) policy.Engine {
			t.Helper()
			return newAlone(t, workload(rules))
		},
	})
}
