package policy_test

import (
	"context"
	"errors"
	"testing"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/policy"
)

// said is an engine with a prepared answer.
type said struct {
	decision access.Decision
	err      error
	panics   bool
}

func (s said) Decide(context.Context, *access.Request) (access.Decision, error) {
	if s.panics {
		panic("secret")
	}
	return s.decision, s.err
}

func combine(t *testing.T, mode policy.Mode, n, x policy.Engine) policy.Engine {
	t.Helper()
	e, err := policy.Combine(mode, n, x)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// answers lists every kind of answer that an engine can give.
func answers() []said {
	var out []said
	for e := access.None; e <= access.Deny+1; e++ {
		for _, reason := range []access.Reason{"", access.DefaultDenied, access.Indeterminate, access.RuleDenied} {
			d := access.Decision{Effect: e, Reason: reason}
			out = append(out, said{decision: d}, said{decision: d, err: errors.New("broken")}, said{decision: d, panics: true})
		}
	}
	return out
}

// TestBothNeverWidens asks for every pair of answers and every kind of request
// that both together are at least as strict as each alone.
func TestBothNeverWidens(t *testing.T) {
	for _, r := range []access.Request{{}, {Passes: true}, {Gates: []access.Gate{{Reason: access.Lockdown}}}, {Places: []access.Place{{Refused: true}}}} {
		for _, n := range answers() {
			for _, x := range answers() {
				alone, errN := combine(t, policy.ModeNative, n, nil).Decide(t.Context(), &r)
				other, errX := combine(t, policy.ModeExternalOnly, nil, x).Decide(t.Context(), &r)
				d, err := combine(t, policy.ModeBoth, n, x).Decide(t.Context(), &r)
				if want := max(alone.Effect, other.Effect); d.Effect != want {
					t.Errorf("%+v: %+v and %+v is %v, want %v", r, n, x, d.Effect, want)
				}
				if (err != nil) != (errN != nil || errX != nil) {
					t.Errorf("%+v and %+v: error %v", n, x, err)
				}
			}
		}
	}
}

func TestWhatIsNoAnswerIsADeny(t *testing.T) {
	for _, c := range []struct {
		name   string
		engine said
		want   access.Effect
		reason access.Reason
		fails  bool
	}{
		{"allow", said{decision: access.Decision{Effect: access.Allow, Reason: access.RuleAllowed}}, access.Allow, access.RuleAllowed, false},
		{"approve", said{decision: access.Decision{Effect: access.Approve, Reason: access.ApprovalPending}}, access.Approve, access.ApprovalPending, false},
		{"none", said{}, access.Deny, access.DefaultDenied, false},
		{"deny without reason", said{decision: access.Decision{Effect: access.Deny}}, access.Deny, access.RuleDenied, false},
		{"unknown effect", said{decision: access.Decision{Effect: 9}}, access.Deny, access.Internal, true},
		{"allow with an error", said{decision: access.Decision{Effect: access.Allow}, err: errors.New("x")}, access.Deny, access.Internal, true},
		{"panic", said{panics: true}, access.Deny, access.Internal, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := combine(t, policy.ModeExternalOnly, nil, c.engine).Decide(t.Context(), &access.Request{})
			if d.Effect != c.want || d.Reason != c.reason || (err != nil) != c.fails {
				t.Errorf("got %v %s, error %v", d.Effect, d.Reason, err)
			}
		})
	}
}

func TestCombineAsksForItsEngines(t *testing.T) {
	for _, c := range []struct {
		mode policy.Mode
		n, x policy.Engine
	}{
		{policy.ModeNative, nil, said{}},
		{policy.ModeExternalOnly, said{}, nil},
		{policy.ModeBoth, said{}, nil},
		{policy.ModeBoth, nil, said{}},
		{"either", said{}, said{}},
		{"", said{}, said{}},
	} {
		if e, err := policy.Combine(c.mode, c.n, c.x); err == nil || e != nil {
			t.Errorf("%q with %v and %v is accepted", c.mode, c.n, c.x)
		}
	}
}

func TestGatesDenyInEveryMode(t *testing.T) {
	yes := said{decision: access.Decision{Effect: access.Allow}}
	r := &access.Request{Gates: []access.Gate{{Reason: access.Lockdown}}, Passes: true}
	for _, mode := range []policy.Mode{policy.ModeNative, policy.ModeBoth, policy.ModeExternalOnly} {
		if d, err := combine(t, mode, yes, yes).Decide(t.Context(), r); err != nil || d.Effect != access.Deny || d.Reason != access.Lockdown {
			t.Errorf("%s: %v %s, error %v", mode, d.Effect, d.Reason, err)
		}
	}
}

func TestAnEndedContextIsADeny(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	yes := said{decision: access.Decision{Effect: access.Allow}}
	for _, mode := range []policy.Mode{policy.ModeNative, policy.ModeBoth, policy.ModeExternalOnly} {
		if d, err := combine(t, mode, yes, yes).Decide(ctx, &access.Request{}); err == nil || d.Effect != access.Deny {
			t.Errorf("%s: %v, error %v", mode, d.Effect, err)
		}
	}
}

// An external engine that cannot say what could be granted leaves a list to
// the native policy, and hides the item where there is none.
func TestListsOfAnEngineThatCannotTell(t *testing.T) {
	yes := said{decision: access.Decision{Effect: access.Allow, Reason: access.RuleAllowed}}
	unsure := said{decision: access.Decision{Effect: access.Deny, Reason: access.Indeterminate}}
	no := said{decision: access.Decision{Effect: access.Deny, Reason: access.RuleDenied}}
	broken := said{decision: unsure.decision, err: errors.New("broken")}
	for _, c := range []struct {
		mode     policy.Mode
		external said
		unknown  bool
		want     access.Effect
	}{
		{policy.ModeBoth, unsure, true, access.Allow},
		{policy.ModeBoth, unsure, false, access.Deny},
		{policy.ModeBoth, no, true, access.Deny},
		{policy.ModeBoth, broken, true, access.Deny},
		{policy.ModeExternalOnly, unsure, true, access.Deny},
	} {
		d, err := combine(t, c.mode, yes, c.external).Decide(t.Context(), &access.Request{ArgsUnknown: c.unknown})
		if (err != nil) != (c.external.err != nil) || d.Effect != c.want {
			t.Errorf("%s, arguments unknown %v: %v, error %v", c.mode, c.unknown, d.Effect, err)
		}
	}
}

func TestBothNamesEverything(t *testing.T) {
	one := said{decision: access.Decision{Effect: access.Allow, Reason: access.RuleAllowed, Rule: "a", PolicyDigest: "sha256:1", Matched: []access.Match{{Rule: "a"}}}}
	two := said{decision: access.Decision{Effect: access.Approve, Reason: access.ApprovalPending, Rule: "b", PolicyDigest: "sha256:2", Matched: []access.Match{{Rule: "b"}}}}
	d, err := combine(t, policy.ModeBoth, one, two).Decide(t.Context(), &access.Request{})
	if err != nil || d.Rule != "b" || len(d.Matched) != 2 || d.PolicyDigest == "sha256:1" || d.PolicyDigest == "sha256:2" {
		t.Errorf("got %+v, error %v", d, err)
	}
}
