// Package expr compiles the expressions of `when` and `unless`, which are
// written in CEL, the Common Expression Language (cel.dev).
//
// An expression is typed against what a decision looks at and answers true or
// false. Everything that makes CEL fail, a missing key, a mistyped operand, an
// overrun of its cost, is unknown: it grants nothing and disarms nothing.
//
// These are the variables. What is marked with a star is unknown where nobody
// supplied it, and has() asks for it:
//
//	request   kind, method, backend, name
//	subject   id*, issuer*, tenant*, groups*, roles*
//	agent     id*
//	session   id*, calls_1h*, read*, age_s*, idle_s*
//	tool      described, ops*, side_effects*, labels*, tier*
//	args      the arguments as they were sent: args.limit*, args.items[0]*
//	facts     every supplied fact by its name: facts["device.compliant"]*
//	now*      the time of the request
//
// Numbers of arguments and facts that are written as integers are int, or uint
// where they are too large for it; all other numbers are double. An integer
// that a double cannot hold exactly is unknown.
//
// The functions are those of the CEL standard, without the ones that name a
// time zone, because they read files: `time` has zones. There is no clock and
// no I/O. Patterns of matches() are literals. An expression has at most
// [MaxSize] characters, comprehensions nest at most [MaxNesting] deep, and what
// it may cost is bounded by [MaxCost], estimated when it is compiled and counted
// when it runs.
package expr

// The limits of an expression.
const (
	MaxSize    = 2000
	MaxNesting = 2
	// MaxCost is in the units of CEL, about one for each step of an evaluation.
	MaxCost = 100_000
)
