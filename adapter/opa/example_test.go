package opa_test

import (
	"context"
	"fmt"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/adapter/opa"
	"github.com/custos-zt/custos/policy"
)

func Example() {
	engine, err := opa.New(policy.Source{Name: "custos.rego", Data: []byte(`
package custos

decision := {"outcome": "deny", "rule": "limit", "reason": "Above the limit."} if {
	input.name == "pay"
	input.args.limit > 100
} else := {"outcome": "approve", "rule": "pay"} if {
	input.name == "pay"
} else := {"outcome": "allow", "rule": "rest"}
`)})
	if err != nil {
		panic(err)
	}
	// OPA is the only engine here; policy.ModeBoth asks a native policy too.
	guard, err := policy.Combine(policy.ModeExternalOnly, nil, engine)
	if err != nil {
		panic(err)
	}
	for _, tool := range []string{"read", "pay"} {
		d, err := guard.Decide(context.Background(), &access.Request{Kind: access.Tool, Method: "tools/call", Backend: "bank", Name: tool})
		fmt.Println(tool, d.Effect, d.Reason, d.Rule, err)
	}
	// Output:
	// read allow rule_allowed rest <nil>
	// pay deny indeterminate  <nil>
}
