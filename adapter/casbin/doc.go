// Package casbin puts Casbin policies behind [policy.Engine].
//
//	engine, err := casbin.New(policy.Source{Name: "custos.csv", Data: text})
//
// # The policy
//
// A policy is Casbin's CSV under the fixed model [Model]:
//
//	# id, subject, object, condition, effect
//	p, tickets, role:corp:support, crm.create_*, true, allow
//	p, refunds, role:corp:support, crm.refund, "number(r.ctx, 'amount') <= 100", approve
//	p, limit, *, crm.refund, "number(r.ctx, 'amount') > 1000", deny
//	g, corp:ann, role:corp:support
//
// The subject is a name, role:NAME or group:NAME that the identity provider
// vouches for, what a g row makes of the name, or *. Names are "issuer:id". The object is backend.tool,
// resource:backend.URI, prompt:backend.NAME or method:NAME, and may end in *; *
// alone denies, it never grants. Ids are distinct. The effect is allow, approve
// or deny, and deny > approve > allow whatever their order. What no row speaks
// about is the default deny; where nobody proved who asks, Casbin is not asked.
//
// # Conditions
//
// A condition reads the call through functions, all of which take r.ctx:
//
//	number(r.ctx, 'opts.depth')    text(r.ctx, 'mode')    flag(r.ctx, 'force')
//	fact_number, fact_text, fact_flag(r.ctx, 'device.compliant')
//	has(r.ctx, 'mode')    has_fact(r.ctx, NAME)    role(r.ctx, NAME)
//	args_unknown(r.ctx)   passes(r.ctx)
//
// beside Casbin's own, such as keyMatch and regexMatch.
//
// What is absent or of another type is an error, not false: a caller who leaves
// an argument out does not pass a deny row. An error anywhere in the policy is a
// deny, [access.Indeterminate]; `has(…) && …` asks first.
//
// Casbin computes with float64. A number that a float64 cannot tell from its
// neighbours, beyond 2^53 or with more than 15 digits, is an error when it is
// read, and refused in a condition; so are texts that Casbin's expressions would
// take for a date. Lists and the readings of paths cannot be judged here: such
// rules belong in a native policy, in policy.ModeBoth.
//
// Casbin evaluates every row of the policy for every call. It suits policies of
// some hundred rows.
package casbin
