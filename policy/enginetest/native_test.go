package enginetest_test

import (
	"fmt"
	"testing"

	"github.com/custos-zt/custos/policy"
	"github.com/custos-zt/custos/policy/enginetest"
)

func compile(text string) (policy.Engine, error) {
	s, problems := policy.Compile([]policy.Source{{Name: "p.yaml", Data: []byte("policy: p\nbackend: hub\nrules:\n" + text)}}, policy.Options{})
	if s == nil {
		return nil, fmt.Errorf("%v", problems)
	}
	return policy.Native(s), nil
}

// The native engine keeps the contract that it asks of others.
func TestNativeConforms(t *testing.T) {
	enginetest.Run(t, enginetest.Suite{
		Compile: compile, Exactly: true,
		Policies: enginetest.Policies{
			Outcomes: `
  - {id: read, allow: [read]}
  - {id: pay, approve: [pay]}
  - {id: drop, deny: [drop]}
  - {id: transfer-a, allow: [transfer]}
  - {id: transfer, approve: [transfer]}
  - {id: wipe-a, allow: [wipe]}
  - {id: wipe-b, approve: [wipe]}
  - {id: wipe, deny: [wipe]}
`,
			Limit: `
  - {id: all, allow: ["*.*"]}
  - {id: limit, deny: [pay], args: {limit: {not: {max: 100}}}}
`,
			Mode: `
  - {id: all, allow: ["*.*"]}
  - {id: mode, deny: [pay], args: {mode: {enum: [force]}}}
`,
			Exact: `
  - {id: big, allow: [big], args: {id: {type: number, max: 9007199254740992}}}
`,
			Roles: `
  - {id: read, allow: [read], roles: [support]}
  - {id: guests, deny: [read], roles: [guest]}
`,
			Refused: map[string]string{
				"no effect":    "  - {id: a}\n",
				"unknown key":  "  - {id: a, allow: [read], colour: red}\n",
				"not a number": "  - {id: a, allow: [read], args: {limit: {max: many}}}\n",
			},
		},
	})
}

func TestWorkloadAgreesWithItself(t *testing.T) {
	enginetest.Agree(t, []int{10, 100, 1000}, func(t testing.TB, rules []enginetest.Rule) policy.Engine {
		t.Helper()
		return enginetest.NativeEngine(t, rules)
	})
}
