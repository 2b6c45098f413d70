package pa

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/inventory"
	"github.com/custos-zt/custos/internal/limit"
	"github.com/custos-zt/custos/policy"
)

const holding = `policy: holding
backend: b
limits:
  - {id: flood, tools: [counted], max: 1/1m, over: approve}
rules:
  - {id: write, approve: [write, denied], approval: {group: ops, quorum: 2, self: never, valid: 5m, wait: 3s, assurance: code}}
  - {id: open, allow: [open, counted, both]}
  - {id: never, approve: [never], grants: false}
  - {id: one, approve: [both]}
  - {id: two, approve: [both], approval: {valid: 2m}}
  - {id: watched, approve: [open], mode: monitor}
  - {id: no, deny: [denied]}
`

// people answers every question alike, and remembers them.
type people struct {
	state access.ApprovalState
	err   error
	asked []*approval.Request
}

func (p *people) Consult(_ context.Context, r *approval.Request) (access.Approval, error) {
	p.asked = append(p.asked, r)
	return access.Approval{ID: "a_1", State: p.state}, p.err
}

func held(t *testing.T, a Approvals) *Administrator {
	t.Helper()
	s, problems := policy.Compile([]policy.Source{{Name: "holding.yaml", Data: []byte(holding)}}, policy.Options{})
	if s == nil {
		t.Fatal(problems)
	}
	adm := New(Options{
		Limits: limit.New(), Now: func() time.Time { return time.Unix(1_700_000_000, 0) },
		Approvals: a, Binding: Binding{Instance: "sha256:i", Root: "/src"}, Wait: 45 * time.Second,
	})
	adm.Publish(s)
	return adm
}

func decide(t *testing.T, a *Administrator, tool string, canWait bool) access.Decision {
	t.Helper()
	r := &access.Request{
		Kind: access.Tool, Method: "tools/call", Backend: "b", Name: tool, Client: "desk",
		Subject: access.Subject{ID: "dev", Issuer: "os", Known: true},
	}
	if canWait {
		params, err := canon.Parse(`{"name":"`+tool+`","_meta":{"progressToken":1}}`, canon.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		r.Params = params
	}
	var d access.Decision
	a.Authorize(r, &inventory.Definition{Name: tool, Digest: [32]byte{4}}, &d)
	return d
}

func TestHowAHeldCallIsDecided(t *testing.T) {
	for _, c := range []struct {
		tool    string
		state   access.ApprovalState
		err     error
		canWait bool
		effect  access.Effect
		reason  access.Reason
		asked   int
	}{
		{"write", access.ApprovalOpen, nil, true, access.Approve, access.ApprovalPending, 1},
		{"write", access.ApprovalUsed, nil, true, access.Allow, access.ApprovalGranted, 1},
		{"write", access.ApprovalRefused, nil, true, access.Deny, access.ApprovalDenied, 1},
		{"write", access.ApprovalAllowed, nil, true, access.Deny, access.Internal, 1}, // only a used grant lets pass
		{"write", "", nil, true, access.Deny, access.Internal, 1},
		{"write", access.ApprovalUsed, errors.New("disk"), true, access.Deny, access.ApprovalUnavailable, 1},
		{"write", access.ApprovalUsed, nil, false, access.Deny, access.ApprovalUnavailable, 0},
		{"denied", access.ApprovalUsed, nil, true, access.Deny, access.RuleDenied, 0},
		{"never", access.ApprovalUsed, nil, true, access.Deny, access.ApprovalNotGrantable, 0},
		{"nothing", access.ApprovalUsed, nil, true, access.Deny, access.DefaultDenied, 0},
		{"open", access.ApprovalUsed, nil, true, access.Allow, access.RuleAllowed, 0},
	} {
		p := &people{state: c.state, err: c.err}
		d := decide(t, held(t, p), c.tool, c.canWait)
		if d.Effect != c.effect || d.Reason != c.reason || len(p.asked) != c.asked {
			t.Errorf("%s, %q, %v: %s %s, asked %d times", c.tool, c.state, c.err, d.Effect, d.Reason, len(p.asked))
		}
	}
	p := &people{state: access.ApprovalUsed}
	r := &access.Request{Kind: access.Tool, Method: "tools/call", Backend: "b", Name: "write", Later: true, Params: canon.String("x")}
	var later access.Decision
	held(t, p).Authorize(r, nil, &later)
	if later.Effect != access.Approve || later.Approval != nil || len(p.asked) != 0 {
		t.Errorf("later: %s, asked %d times", later.Effect, len(p.asked))
	}
	if d := decide(t, held(t, nil), "write", true); d.Effect != access.Deny || d.Reason != access.ApprovalUnavailable {
		t.Errorf("nobody to ask: %s %s", d.Effect, d.Reason)
	}
}

func TestWhatAPersonIsAsked(t *testing.T) {
	p := &people{state: access.ApprovalOpen}
	a := held(t, p)
	if d := decide(t, a, "write", true); d.Approval == nil || d.Approval.Wait != 3*time.Second {
		t.Errorf("%+v", d.Approval)
	}
	params, _ := canon.Parse(`{"name":"write"}`, canon.DefaultLimits())
	want := &approval.Request{
		Subject: "os:dev", Client: "desk", Root: "/src", Backend: "b", Instance: "sha256:i", Kind: access.Tool,
		Method: "tools/call", Name: "write", Definition: [32]byte{4}, Digest: canon.RequestDigest("tools/call", params),
		Params: `{"name":"write","_meta":{"progressToken":1}}`, Policy: a.Policy().Digest(),
		Rules: []approval.Rule{{
			ID: "write", Position: "holding.yaml:6", Group: "ops", Quorum: 2, NotSelf: true, Assurance: approval.Code,
			Valid: 5 * time.Minute, Wait: 3 * time.Second,
		}},
	}
	if d := cmp.Diff(want, p.asked[0]); d != "" {
		t.Error(d)
	}
	decide(t, a, "both", true)
	if got := approval.RuleIDs(p.asked[1].Rules); !cmp.Equal(got, []string{"one", "two"}) || p.asked[1].Valid() != 2*time.Minute {
		t.Errorf("all rules that hold are asked about: %v", got)
	}
}

// A call that waits is not counted; one that a person let pass is. What a limit
// holds is answered like what a rule does.
func TestWhatWaitsIsNotCounted(t *testing.T) {
	p := &people{state: access.ApprovalOpen}
	a := held(t, p)
	for i, c := range []struct {
		state  access.ApprovalState
		reason access.Reason
	}{
		{access.ApprovalOpen, access.RuleAllowed}, // the first is within the limit
		{access.ApprovalOpen, access.ApprovalPending},
		{access.ApprovalOpen, access.ApprovalPending},
		{access.ApprovalUsed, access.ApprovalGranted},
	} {
		p.state = c.state
		if d := decide(t, a, "counted", true); d.Reason != c.reason {
			t.Errorf("call %d: %s, want %s", i, d.Reason, c.reason)
		}
	}
	if got := approval.RuleIDs(p.asked[0].Rules); !cmp.Equal(got, []string{"flood"}) {
		t.Errorf("held by %v", got)
	}
}
