package cedar_test

import (
	"context"
	"fmt"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/adapter/cedar"
	"github.com/custos-zt/custos/policy"
)

func Example() {
	engine, err := cedar.New(policy.Source{Name: "custos.cedar", Data: []byte(`
@id("support") permit (principal in Role::"corp:support", action, resource in Backend::"crm");
@id("refunds") @outcome("approve")
permit (principal in Role::"corp:support", action, resource == Tool::"crm.refund");
@id("limit") @message("Above the limit.")
forbid (principal, action, resource == Tool::"crm.refund") when { context.args.amount > 100 };
`)})
	if err != nil {
		panic(err)
	}
	// Cedar is the only engine here; policy.ModeBoth asks a native policy too.
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
	// read allow rule_allowed support custos.cedar:2 <nil>
	// refund deny indeterminate limit custos.cedar:5 <nil>
}
