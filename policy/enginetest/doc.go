// Package enginetest checks that a [policy.Engine] keeps its contract.
//
// An engine is tested with its own policies: [Policies] says in words what
// each of them means, and the test of an engine writes them in its language.
//
//	func TestConformance(t *testing.T) {
//		enginetest.Run(t, enginetest.Suite{
//			Policies: enginetest.Policies{Outcomes: outcomes, …},
//			Compile:  func(text string) (policy.Engine, error) { return rego.New(text) },
//		})
//	}
//
// The suite asks for the outcomes and the default deny; for a deny wherever an
// argument of a deny rule is absent or mistyped and wherever a fact or the
// subject is unknown; for exact numbers; for concurrency and cancellation; and
// that nothing a caller sent comes back in a message. [Table] is the part that
// engines get wrong when they stand alone.
//
// [Workload] is the policy and the calls that all engines are measured with,
// and [Agree] checks that an engine decides them like the native one.
package enginetest

import (
	"testing"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/policy"
)

// Policies are what the suite needs, in the language of the engine. Every call
// is of the tool that the text names, on the backend hub.
type Policies struct {
	// Outcomes has one rule a tool, named like it: `read` is allowed, `pay` is
	// held for approval, `drop` is denied. `transfer` is allowed by one rule and
	// held by another, `wipe` is allowed and held by rules and denied by a third.
	Outcomes string
	// Limit allows every tool and denies `pay` where the argument limit is
	// above 100.
	Limit string
	// Mode allows every tool and denies `pay` where the argument mode is the
	// text "force".
	Mode string
	// Exact allows `big` where the argument id is at most 9007199254740992, that
	// is 2^53, and nothing else.
	Exact string
	// Facts allows every tool and denies where the fact device.compliant is
	// false; "" where the language has no such facts.
	Facts string
	// Roles allows `read` to the role support, and denies it to the role guest.
	Roles string
	// Faulty are policies that compile and have no valid answer for the tool
	// `read`: an unknown outcome, an error, nothing at all.
	Faulty map[string]string
	// Refused are policies that do not compile.
	Refused map[string]string
}

// Suite is one engine under test.
type Suite struct {
	Policies
	// Compile makes an engine from one of the policies.
	Compile func(text string) (policy.Engine, error)
	// Exactly says that Exact decides every number; without it a number that
	// the engine cannot hold must be denied.
	Exactly bool
	// Silent says that the engine names no rules.
	Silent bool
}

// Call returns a call of a tool on the backend hub by the subject corp:ann
// with the role support. args is a JSON object, "" for none.
func Call(t testing.TB, tool, args string) *access.Request {
	t.Helper()
	r := &access.Request{
		Kind: access.Tool, Method: "tools/call", Backend: "hub", Name: tool,
		Subject: access.Subject{ID: "ann", Issuer: "corp", Known: true, Roles: []string{"support"}},
	}
	if args != "" {
		v, err := canon.Parse(args, canon.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		r.Args = v
	}
	return r
}

func (s Suite) compile(t *testing.T, text string) policy.Engine {
	t.Helper()
	e, err := s.Compile(text)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
