package custos_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/custos-zt/custos"
	"github.com/custos-zt/custos/policy"
)

const examplePolicy = `
policy: desk
version: "1"
rules:
  - id: tickets
    allow: ["crm.create_ticket"]
    args: {priority: {enum: [LOW, MEDIUM]}, note: {type: string}}
  - id: urgent
    deny: ["crm.create_ticket"]
    args: {priority: {enum: [CRITICAL]}}
    message: Only people open critical tickets.
    remediation: Call the desk.
`

func ExampleGate_Enforce() {
	state, _ := os.MkdirTemp("", "custos-example-")
	defer os.RemoveAll(state)

	gate, err := custos.New(custos.Options{
		Backend: "crm",
		Policy:  []policy.Source{{Name: "desk.yaml", Data: []byte(examplePolicy)}},
		State:   state,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer gate.Close()

	for _, priority := range []string{"LOW", "CRITICAL"} {
		args := map[string]any{"priority": priority, "note": "the printer is on fire"}
		err := gate.Enforce(context.Background(), custos.Call{Tool: "create_ticket", Arguments: args},
			func(context.Context) error {
				fmt.Println("created with priority", priority)
				return nil
			})
		if denied := (*custos.DeniedError)(nil); errors.As(err, &denied) {
			fmt.Println(denied.Decision.Reason, "by rule", denied.Decision.Rule)
		}
	}
	// Output:
	// created with priority LOW
	// rule_denied by rule urgent
}
