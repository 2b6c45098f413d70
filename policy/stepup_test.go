package policy_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/policy"
)

const stepUpPolicy = `policy: auth
backend: b
rules:
  - {id: strong, allow: [pay], auth: {acr: [phr, phrh, pwd], mfa: true, max_age: 10m}}
  - {id: fresh, allow: [read], auth: {max_age: 1h}}
  - {id: phr-only, deny: [pay], unless: [{auth: {acr: [phr, phrh]}}]}
  - {id: others, allow: [admin], roles: [admin], auth: {mfa: true}}
  - {id: asked, approve: [send], auth: {mfa: true}}
  - {id: own-words, deny: [write], auth: {mfa: false}, message: Sign in with your key., remediation: Then repeat it.}
  - {id: writes, allow: [write]}
  - {id: never, deny: [drop]}
  - {id: drop, allow: [drop], auth: {mfa: true}}
`

// A denial says what the caller would have to prove, where that is all that is
// missing, and asks for no more than it takes.
func TestStepUp(t *testing.T) {
	s, problems := policy.Compile([]policy.Source{{Name: "p.yaml", Data: []byte(stepUpPolicy)}}, policy.Options{})
	if s == nil {
		t.Fatal(problems)
	}
	for _, c := range []struct {
		tool, facts string
		reason      access.Reason
		want        *access.StepUp
		message     string
	}{
		{"pay", `{}`, access.StepUpRequired, &access.StepUp{ACR: []string{"phr", "phrh"}, MFA: true, MaxAgeS: 600}, "This call needs stronger or fresher authentication: acr phr or phrh, more than one factor, at most 10m ago."},
		{"pay", `{"auth.acr":"pwd","auth.mfa":true,"auth.age_s":5}`, access.StepUpRequired, &access.StepUp{ACR: []string{"phr", "phrh"}}, "This call needs stronger or fresher authentication: acr phr or phrh."},
		{"pay", `{"auth.acr":"phr","auth.mfa":true,"auth.age_s":5}`, access.RuleAllowed, nil, ""},
		{"pay", `{"auth.acr":"pwd","auth.mfa":false,"auth.age_s":5}`, access.StepUpRequired, &access.StepUp{ACR: []string{"phr", "phrh"}, MFA: true}, ""},
		{"read", `{"auth.age_s":7200}`, access.StepUpRequired, &access.StepUp{MaxAgeS: 3600}, "This call needs stronger or fresher authentication: at most 1h ago."},
		{"admin", `{}`, access.DefaultDenied, nil, ""}, // it is another role that is missing
		{"send", `{"auth.mfa":false}`, access.StepUpRequired, &access.StepUp{MFA: true}, "This call needs stronger or fresher authentication: more than one factor."},
		{"write", `{"auth.mfa":false}`, access.StepUpRequired, &access.StepUp{MFA: true}, "Sign in with your key."},
		{"drop", `{}`, access.RuleDenied, nil, ""},
	} {
		l := line{Tool: c.tool}
		if err := json.Unmarshal([]byte(c.facts), &l.Facts); err != nil {
			t.Fatal(err)
		}
		r := l.request(t, s)
		var d access.Decision
		s.Decide(r, &d)
		if d.Reason != c.reason || d.Denied() != (c.reason != access.RuleAllowed) || c.message != "" && d.Message != c.message {
			t.Errorf("%s %s: %s %s %q", c.tool, c.facts, d.Effect, d.Reason, d.Message)
		}
		if diff := cmp.Diff(c.want, d.StepUp); diff != "" {
			t.Errorf("%s %s: %s", c.tool, c.facts, diff)
		}
		// What better authentication opens is listed; what nothing opens is not.
		r.ArgsUnknown = true
		if got, want := s.Visible(r), c.tool != "drop"; got != want {
			t.Errorf("%s %s: visible %v", c.tool, c.facts, got)
		}
	}
}
