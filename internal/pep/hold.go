package pep

import (
	"fmt"
	"strings"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
)

// A held call is decided more than once: when it arrives, and again whenever
// whoever holds it calls [Point.Admit] with the same call. Each time everything
// is collected anew. It ends as an admission like any other, allowed or denied,
// or with [Point.GiveUp]. What is recorded before is that people are asked.

// Held reports whether the call waits for a person. It MUST NOT be forwarded
// and is not denied yet. Its record, where this decision opened the request, is
// awaited like any other before people are asked.
func (a *Admission) Held() bool { return a.Decision.Effect == access.Approve }

// waits is when the call began to wait.
func (a *Admission) waits() time.Time {
	if !a.since.IsZero() {
		return a.since
	}
	return a.started
}

// PendingID names the request that people answer, "" where the call does not
// wait for one.
func (a *Admission) PendingID() string {
	if d := &a.Decision; d.Approval != nil && d.Reason == access.ApprovalPending {
		return d.Approval.ID
	}
	return ""
}

// hold notes that a call waits: once for each request, for the log.
func (a *Admission) hold(p *Point, rec audit.Record) {
	a.final = &rec
	if a.Decision.Approval == nil || !a.Decision.Approval.New {
		return
	}
	asked := rec
	asked.Kind = audit.KindApproval
	a.ticket = p.opt.Evidence.Append(asked)
	a.ID = a.ticket.ID()
}

// GiveUp ends the wait of a held call as a denial, which is recorded: nobody
// answered for as long as it could wait, or nobody is there any more to wait.
// The request stays open; an answer to it counts for a repetition of the call.
func (p *Point) GiveUp(a *Admission, reason access.Reason, message, remediation string) *Admission {
	out := &Admission{Title: a.Title, started: a.started, method: a.method, Decision: a.Decision}
	d := &out.Decision
	d.Effect, d.Reason, d.Message, d.Remediation = access.Deny, reason, message, remediation
	rec := *a.final
	rec.Decision, rec.Reason, rec.Message = d.Effect, d.Reason, d.Message
	rec.HoldUS = time.Since(a.waits()).Microseconds()
	out.append(p, rec)
	return out
}

// Pend ends a held call for whoever cannot wait: it is denied, people can answer,
// and a repetition passes once they allow it. The denial is recorded after what
// is asked, so that who waits for its record waited for both.
func (p *Point) Pend(a *Admission) *Admission {
	return p.GiveUp(a, access.ApprovalPending, "", a.Repeat())
}

// Holding says that a call waits, as people and models read it.
func (a *Admission) Holding() string {
	return "Custos is holding " + clip(a.Title, 200) + " for a person (rule " + a.Decision.Rule + ")"
}

// Asking is the same with how to answer.
func (a *Admission) Asking() string {
	return a.Holding() + ". Answer: custos approvals allow " + a.PendingID()
}

// Repeat says what to do where nobody answered.
func (a *Admission) Repeat() string {
	return fmt.Sprintf("Tell the person; when they allow %s, repeat the same call (valid %s)", a.PendingID(), Span(a.Decision.Approval.Valid))
}

// heldText is the denial of a call that may yet be allowed.
func (a *Admission) heldText() string {
	d := &a.Decision
	text := a.Holding()
	if d.Message != "" {
		text += ", " + strings.TrimSuffix(d.Message, ".")
	}
	return text + ": " + sentence(d.Remediation) + " [" + a.ID + "]"
}

// Span is a length of time as people read it: "45 s", "10 min".
func Span(d time.Duration) string {
	if d >= time.Minute && d%time.Minute == 0 {
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d s", (d+time.Second-1)/time.Second)
}

// answered is what a record says of the people who were asked.
func answered(d *access.Decision) *audit.Approval {
	if d.Approval == nil {
		return nil
	}
	a := &audit.Approval{ID: d.Approval.ID, State: string(d.Approval.State)}
	for _, v := range d.Approval.Answers {
		// The last one decided; what refused is never an allow.
		if !v.Allow || d.Approval.State != access.ApprovalRefused {
			a.By, a.Channel, a.Assurance = v.By, v.Channel, v.Assurance
		}
	}
	return a
}
