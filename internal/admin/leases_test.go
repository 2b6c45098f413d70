package admin

import (
	"strings"
	"testing"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/ask"
)

// standing is a rule that lets answers stand.
func standing(change func(*approval.Rule)) approval.Rule {
	r := approval.Rule{ID: "writes", Position: "p.yaml:3", Standing: approval.Standing{Allowed: true, Max: time.Hour, Uses: 5}}
	if change != nil {
		change(&r)
	}
	return r
}

// proposal asks for a lease that answers a rule.
func proposal(r approval.Rule) ask.Proposal {
	return ask.Proposal{Policy: "sha256:p", Lease: approval.Lease{
		Origin: approval.FromGrant, Subject: "os:dev", Rules: []approval.Rule{r}, Uses: 3, For: approval.Span(time.Hour),
		Scope: approval.Scope{Backend: "files", Method: "tools/call", Name: "write", Others: true},
	}}
}

func TestLeasesTakeACapability(t *testing.T) {
	b := newBureau(t)
	if _, err := b.as(Approver).Answer(t.Context(), b.hold(`{"path":"/a"}`, standing(nil)), Answer{Allow: true, Standing: "same"}); err != nil {
		t.Fatal(err)
	}
	b.needs([]operation{
		{"leases", Viewer, func(o *Operator) error { _, err := o.Leases(t.Context(), true); return err }},
		{"due", Viewer, func(o *Operator) error { _, err := o.Due(t.Context()); return err }},
		{"grant", Approver, func(o *Operator) error {
			_, err := o.Grant(t.Context(), LeaseRequest{Proposal: proposal(standing(nil))})
			return err
		}},
		{"break glass", Approver, func(o *Operator) error {
			p := proposal(standing(nil))
			p.Lease.Glass, p.Lease.Scope = "incident", approval.Scope{}
			_, err := o.BreakGlass(t.Context(), p)
			return err
		}},
		{"revoke", Approver, func(o *Operator) error { _, err := o.Revoke(t.Context(), "l_1"); return err }},
		{"review", Approver, func(o *Operator) error { _, err := o.Review(t.Context(), "l_1", "seen"); return err }},
	})
}

// To grant takes what an answer to the rules would take, and nothing is made or
// asked below that.
func TestGrantsBelowWhatTheRulesAsk(t *testing.T) {
	b := newBureau(t)
	for name, c := range map[string]struct {
		rule approval.Rule
		code string
		want Code
	}{
		"enough":         {standing(nil), "", ""},
		"surer":          {standing(func(r *approval.Rule) { r.Assurance = approval.Code }), "", Assurance},
		"a wrong code":   {standing(func(r *approval.Rule) { r.Assurance = approval.Code }), "000000", NoDevice},
		"a group":        {standing(func(r *approval.Rule) { r.Group = "leads" }), "", Group},
		"one's group":    {standing(func(r *approval.Rule) { r.Group = "ops" }), "", ""},
		"more uses":      {standing(func(r *approval.Rule) { r.Standing.Uses = 2 }), "", Standing},
		"longer":         {standing(func(r *approval.Rule) { r.Standing.Max = time.Minute }), "", Standing},
		"stands not":     {standing(func(r *approval.Rule) { r.Standing.Allowed = false }), "", Standing},
		"remote, by all": {standing(func(r *approval.Rule) { r.Assurance = approval.Remote }), "", Assurance},
	} {
		before, err := b.as(Viewer).Leases(t.Context(), true)
		if err != nil {
			t.Fatal(err)
		}
		got, err := b.as(Approver).Grant(t.Context(), LeaseRequest{Proposal: proposal(c.rule), Code: c.code})
		if code(t, err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
		after, err := b.as(Viewer).Leases(t.Context(), true)
		if err != nil || (len(after) > len(before)) != (c.want == "") || c.want == "" && (got.Lease == nil || got.Lease.Answers[0].By != "os:ann") {
			t.Errorf("%s: %d leases, %+v, %v", name, len(after)-len(before), got, err)
		}
		if open, err := b.as(Viewer).Approvals(t.Context(), false); err != nil || len(open) != 0 {
			t.Errorf("%s: asked %+v, %v", name, open, err)
		}
	}
}

// A lease that takes two people is made by the second, whatever way they answer.
func TestAGrantOfTwo(t *testing.T) {
	b := newBureau(t)
	two := standing(func(r *approval.Rule) { r.Quorum = 2 })
	got, err := b.as(Approver).Grant(t.Context(), LeaseRequest{Proposal: proposal(two)})
	if err != nil || got.Lease != nil || got.Request.Missing != 1 || got.Request.Title != "lease of files.write" {
		t.Fatalf("%+v, %v", got, err)
	}
	if again, err := b.as(Approver).Grant(t.Context(), LeaseRequest{Proposal: proposal(two)}); err != nil || again.Lease != nil || again.Request.ID != got.Request.ID {
		t.Errorf("one person is two: %+v, %v", again, err)
	}
	bob := b.For(Caller{Capability: Approver, Person: approval.Person{ID: "os:bob"}, Channel: "cli"})
	v, err := bob.Answer(t.Context(), got.Request.ID, Answer{Allow: true})
	if err != nil || v.State != access.ApprovalUsed || v.Lease != "l_1" {
		t.Fatalf("%+v, %v", v, err)
	}
	if _, err := bob.Answer(t.Context(), got.Request.ID, Answer{Allow: true}); code(t, err) != Settled {
		t.Errorf("answered twice: %v", err)
	}
	if l, err := bob.Revoke(t.Context(), "l_1"); err != nil || l.State != approval.LeaseRevoked {
		t.Errorf("%+v, %v", l, err)
	}
	for id, want := range map[string]Code{"l_1": Settled, "l_9": NotFound, "a_1": Invalid} {
		if _, err := bob.Revoke(t.Context(), id); code(t, err) != want {
			t.Errorf("%s: %v", id, err)
		}
	}
	var states []string
	for r, err := range audit.Read(b.dir, audit.ReadOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Kind == audit.KindLease {
			states = append(states, r.Lease+" "+r.Approval.State+" "+r.Approval.By)
		}
	}
	if got := strings.Join(states, ", "); got != " requested , l_1 granted os:bob, l_1 revoked os:bob" {
		t.Errorf("recorded: %s", got)
	}
}

func TestAnswersThatCannotStand(t *testing.T) {
	b := newBureau(t)
	o := b.as(Approver)
	id := b.hold(`{"path":"/a"}`, standing(nil))
	for name, c := range map[string]struct {
		answer Answer
		want   Code
	}{
		"a refusal":         {Answer{Standing: "same"}, Invalid},
		"as nothing":        {Answer{Allow: true, Uses: 3}, Invalid},
		"as something else": {Answer{Allow: true, Standing: "all"}, Standing},
		"too often":         {Answer{Allow: true, Standing: "same", Uses: 6}, Standing},
		"too long":          {Answer{Allow: true, Standing: "same", For: approval.Span(2 * time.Hour)}, Standing},
	} {
		if _, err := o.Answer(t.Context(), id, c.answer); code(t, err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	v, err := o.Answer(t.Context(), id, Answer{Allow: true, Standing: "any", Uses: 2, For: approval.Span(time.Minute)})
	if err != nil || v.Lease != "l_1" || v.State != access.ApprovalAllowed {
		t.Fatalf("%+v, %v", v, err)
	}
	list, err := o.Leases(t.Context(), false)
	if err != nil || len(list) != 1 || list[0].Uses != 2 || list[0].Covers != "any arguments" {
		t.Errorf("%+v, %v", list, err)
	}
}
