package enginetest

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/policy"
)

// Run checks the engine.
func Run(t *testing.T, s Suite) {
	t.Helper()
	t.Run("outcomes", s.outcomes)
	t.Run("deny rule", s.denyRule)
	t.Run("exact numbers", s.exact)
	t.Run("unknown facts", s.facts)
	t.Run("unknown subject", s.subject)
	t.Run("unknown arguments", s.lists)
	t.Run("faults", s.faults)
	t.Run("refused policies", s.refused)
	t.Run("cancellation", s.cancelled)
	t.Run("concurrency", s.concurrent)
	t.Run("silence", s.silent)
}

// want says how a tool of the policy Outcomes is answered.
type want struct {
	tool   string
	effect access.Effect
	reason access.Reason
}

func outcomes() []want {
	return []want{
		{"read", access.Allow, access.RuleAllowed},
		{"pay", access.Approve, access.ApprovalPending},
		{"drop", access.Deny, access.RuleDenied},
		{"transfer", access.Approve, access.ApprovalPending},
		{"wipe", access.Deny, access.RuleDenied},
		{"unheard", access.Deny, access.DefaultDenied},
	}
}

func (s Suite) outcomes(t *testing.T) {
	e := s.compile(t, s.Outcomes)
	for _, w := range outcomes() {
		d, err := e.Decide(t.Context(), Call(t, w.tool, "{}"))
		if err != nil || d.Effect != w.effect || d.Reason != w.reason {
			t.Errorf("%s: %v %s, error %v; want %v %s", w.tool, d.Effect, d.Reason, err, w.effect, w.reason)
		}
		if !strings.HasPrefix(d.PolicyDigest, "sha256:") {
			t.Errorf("%s: the digest of the policy is %q", w.tool, d.PolicyDigest)
		}
		named := strings.HasPrefix(d.Rule, w.tool)
		if !s.Silent && w.reason != access.DefaultDenied && (!named || len(d.Matched) == 0) {
			t.Errorf("%s: decided by the rule %q, matched %v", w.tool, d.Rule, d.Matched)
		}
	}
}

func (s Suite) subject(t *testing.T) {
	e := s.compile(t, s.Roles)
	for _, c := range []struct {
		name    string
		subject access.Subject
		want    access.Effect
	}{
		{"support", access.Subject{ID: "ann", Issuer: "corp", Known: true, Roles: []string{"support"}}, access.Allow},
		{"support and guest", access.Subject{ID: "ann", Issuer: "corp", Known: true, Roles: []string{"support", "guest"}}, access.Deny},
		{"without roles", access.Subject{ID: "ann", Issuer: "corp", Known: true}, access.Deny},
		{"unknown", access.Subject{}, access.Deny},
		{"unproven", access.Subject{ID: "ann", Issuer: "corp", Roles: []string{"support"}}, access.Deny},
	} {
		r := Call(t, "read", "{}")
		r.Subject = c.subject
		if d, err := e.Decide(t.Context(), r); err != nil || d.Effect != c.want {
			t.Errorf("%s: %v %s, error %v; want %v", c.name, d.Effect, d.Reason, err, c.want)
		}
	}
}

// lists asks about a tool whose arguments are not known: nobody can say then
// that the limit is kept.
func (s Suite) lists(t *testing.T) {
	r := Call(t, "pay", "")
	r.ArgsUnknown = true
	d, err := s.compile(t, s.Exact).Decide(t.Context(), r)
	if err != nil || d.Effect == access.None {
		t.Errorf("%v %s, error %v", d.Effect, d.Reason, err)
	}
	if d, err = s.compile(t, s.Outcomes).Decide(t.Context(), r); err != nil || d.Denied() && d.Effect != access.Approve {
		t.Errorf("held whatever its arguments: %v %s, error %v", d.Effect, d.Reason, err)
	}
}

func (s Suite) faults(t *testing.T) {
	for name, text := range s.Faulty {
		e := s.compile(t, text)
		if d, err := e.Decide(t.Context(), Call(t, "read", `{"limit":1}`)); d.Effect != access.Deny {
			t.Errorf("%s: %v %s, error %v", name, d.Effect, d.Reason, err)
		}
	}
}

func (s Suite) refused(t *testing.T) {
	for name, text := range s.Refused {
		if e, err := s.Compile(text); err == nil || e != nil {
			t.Errorf("%s: the policy is accepted", name)
		}
	}
}

func (s Suite) cancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d, err := s.compile(t, s.Outcomes).Decide(ctx, Call(t, "read", "{}"))
	if err == nil || d.Effect != access.Deny {
		t.Errorf("%v %s, error %v", d.Effect, d.Reason, err)
	}
}

// concurrent decides the same calls from many goroutines; it is the race
// detector that this is written for.
func (s Suite) concurrent(t *testing.T) {
	e := s.compile(t, s.Outcomes)
	var calls []*access.Request
	for _, w := range outcomes() {
		calls = append(calls, Call(t, w.tool, `{"limit":1}`))
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				for i, w := range outcomes() {
					if d, err := e.Decide(t.Context(), calls[i]); err != nil || d.Effect != w.effect {
						t.Errorf("%s: %v %s, error %v", w.tool, d.Effect, d.Reason, err)
					}
				}
			}
		})
	}
	wg.Wait()
}

// silent asks that what a caller sent does not come back.
func (s Suite) silent(t *testing.T) {
	const sent = "hunter2-of-ann"
	for _, text := range []string{s.Limit, s.Mode, s.Exact} {
		e := s.compile(t, text)
		for _, args := range []string{`{"limit":"` + sent + `","mode":["` + sent + `"],"id":"` + sent + `"}`, `{"` + sent + `":1}`} {
			for _, tool := range []string{"pay", "big"} {
				d, err := e.Decide(t.Context(), Call(t, tool, args))
				if strings.Contains(d.Message+d.Remediation, sent) || err != nil && strings.Contains(err.Error(), sent) {
					t.Errorf("an argument is repeated: %+v, error %v", d, err)
				}
			}
		}
	}
}

// Guarded returns the engine as callers ask it, alone.
func Guarded(e policy.Engine) policy.Engine {
	g, err := policy.Combine(policy.ModeExternalOnly, nil, e)
	if err != nil {
		panic(err)
	}
	return g
}
