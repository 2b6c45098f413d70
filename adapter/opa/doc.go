// Package opa puts Rego policies behind [policy.Engine].
//
//	engine, err := opa.New(policy.Source{Name: "custos.rego", Data: text})
//
// # The answer
//
// The policy defines data.custos.decision, an object:
//
//	package custos
//
//	decision := {"outcome": "deny", "rule": "limit", "reason": "Above the limit."} if {
//		input.name == "pay"
//		input.args.limit > 100
//	} else := {"outcome": "allow", "rule": "all"}
//
// outcome is allow, approve or deny. rule names what determined it; reason and
// remediation are shown to the caller. obligations is a list, and MUST be empty:
// this version can meet none, and a permission with a duty that nobody meets is
// no permission. Any other key, type or outcome is a deny. An undefined decision
// is the default deny.
//
// # The request
//
// input has kind (tool, resource, prompt, method), method, backend, name,
// client, passes and args_unknown, which are always there; and
//
//   - args, as sent: numbers keep their literal and compare exactly;
//   - subject {id, issuer, name, groups, roles, tenant}, absent where nobody
//     proved who it is; name is "issuer:id";
//   - agent, now (RFC 3339) and session {id}, absent where unknown;
//   - tool {ops, side_effects, labels, tier}, each absent where unknown;
//   - facts["device.compliant"] {value, source, age_s}, absent where unknown;
//   - places, a list of {arg, raw, declared, grantable, readings, suspect,
//     folded}: every path of the call with all its readings.
//
// # Undefined is not false
//
// In plain Rego a deny rule that reads an argument which the caller left out is
// undefined, so it does not deny: callers switch rules off. Here it does deny.
// Policies are compiled so that
//
//   - reading a field of input that is not there is an error, not undefined;
//   - <, <=, > and >= between values of different types are errors, and so are
//     ==, != and in, unless one side is the word null or a field of input that is
//     always there;
//   - some … in and every over what is no collection are errors;
//   - so is every error of a built-in function,
//
// and any error is a deny, [access.Indeterminate]. What may be absent is read
// with object.get(input.args, "limit", 0), also over a path. Objects and lists
// of objects are read so too. What cannot be followed is refused when the policy
// is compiled: input or input.args as a value of their own, input.args[x] with a
// variable x, members behind a variable (input.args.items[_].price), and `with`
// on input.
//
// Three ways past this remain, which authors should know: a list that a rule
// indexes through a local variable (xs := input.args.files; xs[i]) instead of
// some x in xs; functions that tell cases apart by constants in their heads; and
// data[x], which is undefined where data has no x, as in any Rego policy. In
// policy.ModeBoth the native policy stands behind them.
//
// # No I/O
//
// Built-in functions that read the clock, the network, the environment or
// chance are refused: a decision depends on its request alone.
package opa
