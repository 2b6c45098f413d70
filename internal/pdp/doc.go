// Package pdp is the policy decision point: a compiled policy, and the
// function from a request to a decision.
//
// A [Snapshot] is built once, by package policy, from a [Program]: rules whose
// conditions are already opcodes. It never changes afterwards and is safe for
// concurrent use. It does no I/O and reads no clock; everything it looks at
// stands in the [access.Request], and everything that is not there is unknown.
//
// Every condition has two readings, and this is the heart of the package:
//
//   - A rule that grants must be certain. Every condition must be true, for
//     every path, every host and every item, in every way they may be read.
//   - A rule that restricts may be suspicious. It acts unless a condition is
//     false; one path in one reading is enough, and what is unknown counts.
//
// [Snapshot.Decide], [Snapshot.Visible] and [Snapshot.Explain] use the same
// evaluators, so that what is listed, decided and explained cannot disagree.
//
// A new condition is a [Code] in ops.go, a case in eval.go and an evaluator
// beside its kin; the words that a person writes live in package policy.
package pdp
