package proof

import (
	"bytes"
	"context"
	"strconv"

	"github.com/custos-zt/custos/internal/pdp"
	"github.com/custos-zt/custos/policy"
)

// testsKey is the key of a policy file under which it holds tests of its own:
//
//	tests:
//	  home: /home/dev
//	  now: 2026-11-20T10:00:00Z
//	  cases:
//	    - {name: reads, tool: read_file, arguments: {path: /home/dev/a}, expect: {decision: allow, rule: files}}
//
// They are part of the file: under its digest, and under its signature.
const testsKey = "tests"

func embeddedKeys() []string { return []string{"home", "now", "teams", "defaults", "cases"} }

// embedded returns the tests that a policy file holds, nil where it holds none.
func embedded(src policy.Source) (*Suite, []policy.Problem) {
	if !mayTest(src.Data) {
		return nil, nil // a large policy is not read once more for nothing
	}
	root, problems := policy.Parse(src)
	own := member(root, testsKey)
	if own == nil || policy.Failed(problems) {
		return nil, nil // whoever compiled the policy was told
	}
	r := newSuiteReader(src.Name)
	r.suite.Embedded = true
	r.body(own, r.fields(own, testsKey, embeddedKeys()))
	return r.suite, r.problems
}

// mayTest reports whether a file may hold tests: a key can be written with
// escapes too.
func mayTest(data []byte) bool {
	for _, sign := range []string{testsKey, `\x`, `\u`, `\U`} {
		if bytes.Contains(data, []byte(sign)) {
			return true
		}
	}
	return false
}

// Prove runs the tests that the files of a policy hold themselves, all of them
// against the whole policy, and returns how many cases there were. s MUST be
// compiled from the sources of the bench. A test that fails, or cannot be read,
// is a problem with its place: such a policy is not to be put in force.
//
// It stops early where ctx ends, with an error.
func (b *Bench) Prove(ctx context.Context, s *pdp.Snapshot) (cases int, problems []policy.Problem, err error) {
	for _, src := range b.Sources {
		suite, wrong := embedded(src)
		if policy.Failed(wrong) {
			problems = append(problems, wrong...)
			continue
		}
		if suite == nil {
			continue
		}
		failed, err := b.prove(ctx, s, suite)
		if err != nil {
			return cases, problems, err
		}
		cases += len(suite.Cases)
		problems = append(problems, failed...)
	}
	return cases, problems, nil
}

// prove runs one suite. Where it says what ~ means, or who is in which team, the
// policy is compiled anew.
func (b *Bench) prove(ctx context.Context, s *pdp.Snapshot, suite *Suite) ([]policy.Problem, error) {
	under := b.under(suite)
	d := NewDecider(s, b.Registry, b.Options.Home)
	if suite.Home != "" || suite.Teams != nil {
		var wrong []policy.Problem
		if d, _, wrong = under.decider(b.Sources); d == nil {
			return wrong, nil
		}
	}
	d.inPlaceOf(b.Options.Backend)
	var problems []policy.Problem
	for i := range suite.Cases {
		if err := ctx.Err(); err != nil {
			return nil, err //nolint:wrapcheck // the caller ended its own context
		}
		c := &suite.Cases[i]
		if got, _ := d.decide(c, false); !c.Want.met(got) {
			problems = append(problems, policy.Problem{
				File: suite.File, Line: c.Line, Column: 1,
				Message: "the test " + strconv.Quote(c.Name) + " fails: want " + c.Want.String() + ", got " + got.String(),
			})
		}
	}
	return problems, nil
}

// under is the bench as a suite wants it: its home and its teams.
func (b *Bench) under(s *Suite) *Bench {
	out := *b
	if s.Home != "" {
		out.Options.Home = s.Home
	}
	if s.Teams != nil {
		out.Options.Teams = s.Teams
	}
	return &out
}
