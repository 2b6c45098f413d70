// Package approval says what it means that a person allows one call.
//
// A rule that approves holds a call until a person answers. What is put to the
// person is a [Request]: the exact call, who makes it and from where, what it
// goes to, and under which policy and rules it is held. An answer counts for
// that and for nothing else: [Request.Binding] is the digest that a grant and
// the call that uses it must share. A grant is used once.
//
// This package is values and rules; it keeps nothing. Package book keeps
// requests and answers for all processes of one state directory.
//
// What could go wrong at this door, and what meets it: a call that was changed
// after somebody looked at it (the digest), one that is repeated (single use),
// an answer that comes late or under another policy (a [Term], the binding), a
// clock that was set back (a Term has two clocks), a person who is worn down
// (at most [MaxOpen] open requests unless more are configured, and a refusal stands for [RefusalStands]).
package approval

import "time"

const (
	// MaxOpen is how many requests of one principal may be open at once where
	// nothing else is configured.
	MaxOpen = 5
	// RefusalStands is how long the same call stays refused without anybody
	// being asked again.
	RefusalStands = 10 * time.Minute
	// OpenFor is how long a request waits for an answer, whoever waits for it.
	OpenFor = 10 * time.Minute
	// DefaultValid is how long a grant waits for its call where the rule says
	// nothing.
	DefaultValid = 10 * time.Minute
)
