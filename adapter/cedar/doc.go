// Package cedar puts Cedar policies behind [policy.Engine].
//
//	engine, err := cedar.New(policy.Source{Name: "custos.cedar", Data: text})
//
// # The answer
//
// A forbid denies, a permit allows, and a permit that is annotated holds the
// call for a person. What no policy speaks about is the default deny.
//
//	@id("refunds") @outcome("approve")
//	permit (principal in Role::"corp:support", action, resource == Tool::"crm.refund")
//	when { context.args.amount <= 100 };
//
// Annotations are id (else policy0, policy1, …), outcome (allow or approve, on a
// permit), message and remediation, which are shown to the caller. Another
// annotation is refused: a misspelt outcome would allow.
//
// # The request
//
//   - principal is Subject::"corp:ann", in Role::"corp:support" and
//     Group::"corp:staff" for each of its roles and groups, with the attributes
//     id, issuer and, where known, tenant. Without an issuer there is no prefix.
//     Cedar knows no unknown principal: where nobody proved who it is, the call
//     is denied before Cedar is asked.
//   - action is Action::"tools/call": the method.
//   - resource is Tool::"crm.refund", Resource::"crm.URI", Prompt::"crm.NAME" or
//     Method::"NAME", in Backend::"crm", with the attributes backend and name.
//   - context has args_unknown, passes and client always; args, agent, session
//     and now (a datetime) where known; tool {ops, side_effects, labels, tier},
//     each where known; and facts["device.compliant"] {value, source, age_s}.
//
// Numbers are a long where they are an integer that fits, else a decimal where
// they have at most four decimals, and lists are sets. What Cedar has no type
// for, null and all other numbers, is a record {json: LITERAL}: it is there, it
// equals nothing, and comparing it is an error. The readings of paths cannot be
// quantified over in Cedar, so they are not there: rules about paths belong in a
// native policy, in policy.ModeBoth.
//
// # An error is a deny
//
// Cedar skips a policy that cannot be evaluated, so that a caller who leaves out
// an argument or sends another type passes a forbid. Here any diagnostic error
// is a deny, [access.Indeterminate]. Cedar reports none for == and contains
// between different types; policies are compiled so that it does, where one side
// is a literal and the other is read from context.args or context.facts. Two
// values that are both computed are compared as in any Cedar policy. What may be
// absent is asked for with `has`.
//
// Policies are indexed by the resource and the principal of their heads: a policy
// whose head cannot match is not evaluated.
package cedar
