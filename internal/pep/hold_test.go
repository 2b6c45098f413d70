package pep

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
)

// waiting is an authority that holds what can wait, and opens request n.
func waiting(opened *bool) rules {
	return rules{decide: func(r *access.Request, d *access.Decision) {
		if r.Params.IsAbsent() {
			d.Refuse(access.ApprovalUnavailable, "nobody can be asked")
			return
		}
		d.Effect, d.Reason, d.Rule, d.Position = access.Approve, access.ApprovalPending, "git-commit", "laptop.yaml:33"
		d.Approval = &access.Approval{ID: "a_91", State: access.ApprovalOpen, New: *opened, Valid: 10 * time.Minute}
	}}
}

func TestAHeldCall(t *testing.T) {
	opened := true
	p, log, dir := point(t, Options{Authority: waiting(&opened)})
	c := call(t, "tools/call", `{"name":"git_commit","arguments":{}}`)
	if a := p.Admit(c); a.Held() || a.Decision.Reason != access.ApprovalUnavailable {
		t.Fatalf("a call that cannot wait: %+v", a.Decision)
	}
	c.Waits = true
	a := p.Admit(c)
	if err := a.Wait(); err != nil || !a.Held() || !a.Decision.Denied() || a.PendingID() != "a_91" {
		t.Fatalf("%+v, %v", a, err)
	}
	if got, want := a.Asking(), "Custos is holding files.git_commit for a person (rule git-commit). Answer: custos approvals allow a_91"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	opened = false
	again := p.Admit(c)
	end := p.GiveUp(again, access.ApprovalPending, "not approved in "+Span(45*time.Second), again.Repeat())
	if err := end.Wait(); err != nil || end.Held() || end.Wire() != "held" || end.PendingID() != "a_91" {
		t.Fatalf("%+v, %v", end, err)
	}
	want := "Custos is holding files.git_commit for a person (rule git-commit), not approved in 45 s: " +
		"Tell the person; when they allow a_91, repeat the same call (valid 10 min). [" + end.ID + "]"
	if end.Text() != want {
		t.Errorf("got  %s\nwant %s", end.Text(), want)
	}
	late := p.GiveUp(again, access.ApprovalExpired, "nobody answered in time", "")
	if !strings.HasPrefix(late.Text(), "Custos denied files.git_commit: nobody answered in time.") || late.Wire() != "denied" {
		t.Error(late.Text())
	}
	_ = log.Close()
	var got []string
	for r, err := range audit.Read(dir, audit.ReadOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Kind == audit.KindApproval || r.Kind == audit.KindAdmission {
			line := string(r.Kind) + " " + r.Decision.String() + " " + string(r.Reason)
			if r.Approval != nil {
				line += " " + r.Approval.ID + " " + r.Approval.State
			}
			got = append(got, line)
		}
	}
	wantLog := []string{
		"admission deny approval_unavailable",
		"approval approve approval_pending a_91 pending",
		"admission deny approval_pending a_91 pending",
		"admission deny approval_expired a_91 pending",
	}
	if d := cmp.Diff(wantLog, got); d != "" {
		t.Error(d)
	}
}

func TestWhoAnswered(t *testing.T) {
	yes := access.Answer{Allow: true, By: "os:ann", Channel: "cli", Assurance: "host"}
	no := access.Answer{By: "os:bob", Channel: "tty", Assurance: "host"}
	for _, c := range []struct {
		state   access.ApprovalState
		answers []access.Answer
		by      string
	}{
		{access.ApprovalOpen, nil, ""},
		{access.ApprovalUsed, []access.Answer{yes}, "os:ann"},
		{access.ApprovalRefused, []access.Answer{yes, no}, "os:bob"},
		{access.ApprovalRefused, []access.Answer{no, yes}, "os:bob"},
	} {
		got := answered(&access.Decision{Approval: &access.Approval{ID: "a_1", State: c.state, Answers: c.answers}})
		if got.By != c.by || got.ID != "a_1" || got.State != string(c.state) {
			t.Errorf("%s %v: %+v", c.state, c.answers, got)
		}
	}
}

func TestSpan(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"45 s": 45 * time.Second, "10 min": 10 * time.Minute, "90 s": 90 * time.Second, "1 s": time.Millisecond, "0 s": 0,
	} {
		if got := Span(d); got != want {
			t.Errorf("%v is %s, want %s", d, got, want)
		}
	}
}
