package policy_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/pdp"
)

// agrees checks what must hold for every request under every policy: that the
// explanation says what the decision says, that an allow has a rule that
// allows, and that what is not listed is never granted.
func agrees(t testing.TB, s *pdp.Snapshot, r *access.Request, d *access.Decision) {
	t.Helper()
	x := s.Explain(r)
	if diff := cmp.Diff(*d, x.Decision); diff != "" {
		t.Fatalf("Explain decides otherwise (-decide +explain):\n%s", diff)
	}
	acting := []string{}
	for _, rule := range x.Rules {
		if rule.Acts != "" {
			acting = append(acting, rule.Rule)
		}
	}
	matched := []string{}
	for _, m := range d.Matched {
		matched = append(matched, m.Rule)
	}
	stopped := len(r.Gates) > 0 || d.Reason == access.RequestMalformed
	if !stopped && !slices.Equal(acting, matched) {
		t.Fatalf("Explain says %v act, Decide says %v", acting, matched)
	}
	for _, rule := range x.Rules {
		explains(t, &rule)
	}
	if d.Effect == access.Allow && !r.Passes && d.Reason != access.Observed && !slices.ContainsFunc(d.Matched, func(m access.Match) bool {
		return m.Effect == access.Allow && m.Truth == access.True && !m.Monitor
	}) {
		t.Fatalf("allowed without a rule that allows: %+v", d)
	}
	listed := *r
	listed.ArgsUnknown, listed.Places = true, nil
	if d.Effect != access.Deny && !s.Visible(&listed) {
		t.Fatalf("%s %s is %s and not listed", r.Backend, r.Name, d.Effect)
	}
	if (d.Effect != access.Allow) == (d.Message == "") && d.Rule == "" {
		t.Fatalf("a refusal needs words, and only a refusal: %+v", d)
	}
}

// explains checks that the conditions of a trace account for what its rule
// does.
func explains(t testing.TB, rule *pdp.RuleTrace) {
	t.Helper()
	granted := !slices.ContainsFunc(rule.Conditions, func(c pdp.ConditionTrace) bool { return c.Grants != access.True })
	disarmed := slices.ContainsFunc(rule.Conditions, func(c pdp.ConditionTrace) bool { return c.Truth == access.False })
	switch {
	case rule.Acts == "allows" && !granted:
		t.Fatalf("%s allows with a condition that is not true: %+v", rule.Rule, rule.Conditions)
	case rule.Acts == "denies" && disarmed:
		t.Fatalf("%s denies with a condition that is false: %+v", rule.Rule, rule.Conditions)
	case rule.Acts == "" && len(rule.Unless) == 0 && rule.Effect == access.Deny && !disarmed:
		t.Fatalf("%s does not deny and no condition is false: %+v", rule.Rule, rule.Conditions)
	case rule.Acts == "" && len(rule.Unless) == 0 && rule.Effect == access.Allow && granted:
		t.Fatalf("%s does not allow and every condition is true: %+v", rule.Rule, rule.Conditions)
	}
}
