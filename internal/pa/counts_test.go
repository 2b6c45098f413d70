package pa

import (
	"testing"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/limit"
	"github.com/custos-zt/custos/policy"
)

const limited = `policy: limited
backend: b
limits:
  - {id: flood, tools: ["*.*"], per: [subject], max: 3/1m}
rules:
  - {id: t, allow: [t, u]}
  - {id: r, allow: [r], rate: {max: 1/1m, per: [subject, tool]}}
  - {id: no, deny: [u]}
`

func counting(t *testing.T, table *limit.Table, now *time.Time) *Administrator {
	t.Helper()
	s, problems := policy.Compile([]policy.Source{{Name: "limited.yaml", Data: []byte(limited)}}, policy.Options{})
	if s == nil {
		t.Fatal(problems)
	}
	a := New(Options{Limits: table, Now: func() time.Time { return *now }})
	a.Publish(s)
	return a
}

func ask(a *Administrator, tool, subject string) access.Decision {
	r := &access.Request{Kind: access.Tool, Method: "tools/call", Backend: "b", Name: tool}
	if subject != "" {
		r.Subject = access.Subject{ID: subject, Issuer: "os", Known: true}
	}
	var d access.Decision
	a.Authorize(r, nil, &d)
	return d
}

// What was forwarded counts, what was denied does not, and each subject has an
// account of its own.
func TestLimitsCountWhatWasForwarded(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	a := counting(t, limit.New(), &now)
	for i, c := range []struct {
		tool, subject string
		after         time.Duration
		want          access.Reason
	}{
		{"t", "ann", 0, access.RuleAllowed},
		{"u", "ann", 0, access.RuleDenied},
		{"u", "ann", 0, access.RuleDenied},
		{"x", "ann", 0, access.DefaultDenied},
		{"t", "ann", 0, access.RuleAllowed},
		{"r", "ann", 0, access.RuleAllowed},
		{"t", "ann", 0, access.LimitExceeded},
		{"t", "bob", 0, access.RuleAllowed},
		{"t", "ann", 2 * time.Minute, access.RuleAllowed},
		{"r", "ann", 0, access.RuleAllowed},
		{"r", "ann", 0, access.LimitExceeded},
		{"t", "ann", 0, access.RuleAllowed},
		{"t", "ann", 0, access.LimitExceeded},
	} {
		now = now.Add(c.after)
		if d := ask(a, c.tool, c.subject); d.Reason != c.want {
			t.Errorf("call %d, %s by %s: %s, want %s", i, c.tool, c.subject, d.Reason, c.want)
		}
	}
}

// Nobody who does not say who they are has an account, and neither has anyone
// where nothing counts: what is unknown restricts.
func TestWhatIsNotCountedRestricts(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	if d := ask(counting(t, limit.New(), &now), "t", ""); d.Reason != access.Indeterminate {
		t.Errorf("without a subject: %+v", d)
	}
	if d := ask(counting(t, nil, &now), "t", "ann"); d.Reason != access.Indeterminate {
		t.Errorf("without a table: %+v", d)
	}
}
