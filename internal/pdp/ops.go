package pdp

import "github.com/custos-zt/custos/access"

// Code says which evaluator judges an [Op].
type Code uint8

// The opcodes, one for each kind of condition.
const (
	CodeSubjects Code = iota + 1
	CodeGroups
	CodeRoles
	CodeTenants
	CodeIssuers
	CodeClients
	CodeAgents
	CodeOps
	CodeSideEffects
	CodeLabels
	CodeTier
	CodeArg
	CodeUnlisted
	CodeCommands
	CodePlaces
	CodeURLs
	CodeHosts
	CodePorts
	CodeExtensions
	CodeFact
	CodeTime
	CodeWhen
)

// Group is the family of a condition. `else: approve` treats them differently:
// see [Rule.ElseApprove].
type Group uint8

// The families, as in the table of conditions.
const (
	GroupWho Group = iota
	GroupWhat
	GroupArguments
	GroupPlaces
	GroupEnvironment
	GroupBehaviour
	GroupExpression
)

// Op is one condition as package policy writes it: a tag and the operand that
// the tag names. The other operands are zero. [Build] packs it into an op.
type Op struct {
	Code  Code
	Group Group
	// Mask is the operand of CodeOps.
	Mask access.Op
	// Names is the operand of CodeSubjects … CodeTier but CodeAgents, and of
	// CodeExtensions, where they stand without a dot, at most [MaxExtensions].
	Names []string
	// Globs is the operand of CodeAgents.
	Globs    []PathPattern
	Arg      *Arg
	Unlisted *Unlisted
	Commands []Command
	Places   *Places
	URLs     *URLs
	Fact     *FactTest
	Window   *Window
	When     Expression
	// Field and Text are what the author wrote: "args.limit" and "{max: 100}".
	Field, Text string
}

// Expression is the operand of [CodeWhen]: a condition that is written in
// another language. It is the same under both readings. Equal expressions
// SHOULD be one value, which is then evaluated once for rules that stand next
// to each other. It MUST be safe for concurrent use, do no I/O and read no
// clock.
type Expression interface {
	// Judge answers for a request, which it only reads; what keeps it from an
	// answer is unknown.
	Judge(r *access.Request) access.Truth
	// Seen says what it came to, or why that is unknown. It may repeat values of
	// the call.
	Seen(r *access.Request) string
}

// reading says how a condition is judged.
type reading uint8

const (
	// granting: every value, every reading, the whole value.
	granting reading = iota
	// restricting: any value, any reading, found anywhere in the value.
	restricting
)

// other is the reading of what stands under a `not`.
func (g reading) other() reading { return granting + restricting - g }

// and is true where both are, false where one is.
func and(a, b access.Truth) access.Truth {
	switch {
	case a == access.False || b == access.False:
		return access.False
	case a == access.Unknown || b == access.Unknown:
		return access.Unknown
	default:
		return access.True
	}
}

// or is false where both are, true where one is.
func or(a, b access.Truth) access.Truth { return not(and(not(a), not(b))) }

// not leaves unknown unknown.
func not(a access.Truth) access.Truth {
	switch a {
	case access.True:
		return access.False
	case access.False:
		return access.True
	default:
		return access.Unknown
	}
}

func truth(b bool) access.Truth {
	if b {
		return access.True
	}
	return access.False
}
