package casbin_test

import (
	"context"
	"fmt"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/adapter/casbin"
	"github.com/custos-zt/custos/policy"
)

func Example() {
	engine, err := casbin.New(policy.Source{Name: "custos.csv", Data: []byte(`
p, support, role:corp:support, crm.*, true, allow
p, refunds, role:corp:support, crm.refund, true, approve
p, limit, *, crm.refund, "number(r.ctx, 'amount') > 100", deny
`)})
	if err != nil {
		panic(err)
	}
	// Casbin is the only engine here; policy.ModeBoth asks a native policy too.
	guard, err := policy.Combine(policy.ModeExternalOnly, nil, engine)
	if err != nil {
		panic(err)
	}
	ann := access.Subject{ID: "ann", Issuer: "corp", Roles: []string{"support"}, Known: true}
	for _, tool := range []string{"read", "refund"} {
		d, err := guard.Decide(context.Background(), &access.Request{Kind: access.Tool, Method: "tools/call", Backend: "crm", Name: tool, Subject: ann})
		fmt.Println(tool, d.Effect, d.Reason, d.Rule, d.Position, err)
	}
	// Output:
	// read allow rule_allowed support custos.csv:2 <nil>
	// refund deny indeterminate   <nil>
}
