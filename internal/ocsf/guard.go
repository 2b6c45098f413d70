package ocsf

import (
	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
)

// fillApproval writes that a call waits for people, or what one of them answered.
func fillApproval(out *event, ev *Event) {
	r := ev.Record
	out.User = userOf(or(r.Subject, unnamed))
	out.Privileges = []string{or(r.Method, "call") + " " + or(target(r), unnamed)}
	if r.Session != "" {
		out.Session = &session{r.Session}
	}
	out.status(1, "Success")
	switch {
	case r.Approval == nil: // who may answer changed, not what somebody may do
		out.ActivityID, out.ActivityName = 99, "Change Approver"
		out.Privileges = []string{"answer held calls"}
		out.StatusDetail = r.Detail
		return
	case r.Decision == access.Deny:
		out.ActivityID, out.ActivityName = 99, "Refuse Privileges"
		out.SeverityID = low
	case r.Decision != access.Allow:
		out.ActivityID, out.ActivityName = 99, "Request Privileges"
		out.status(99, "Pending")
	}
	if r.Approval.By != "" {
		out.Actor = &actor{User: userOf(r.Approval.By)}
	}
}

// fillPolicy writes that a policy was put in force.
func fillPolicy(out *event, ev *Event) {
	r := ev.Record
	out.Entity = policyEntity(or(r.OldPolicyDigest, r.PolicyDigest))
	out.UpdatedEntity = policyEntity(r.PolicyDigest)
	fillChange(out, r)
}

func policyEntity(digest string) *entity {
	return &entity{Name: "policy", UID: digest, TypeID: 5, Type: "Policy", Policy: &policy{Name: "policy", UID: digest}}
}

// fillConfig writes that another configuration is in force.
func fillConfig(out *event, ev *Event) {
	r := ev.Record
	old, digest := "", ""
	if c := r.Change; c != nil {
		old, digest = c.Old, c.Digest
	}
	out.Entity = &entity{Name: "configuration", UID: or(old, digest), TypeID: 99, Type: "Configuration"}
	out.UpdatedEntity = &entity{Name: "configuration", UID: digest, TypeID: 99, Type: "Configuration"}
	fillChange(out, r)
}

// fillKey writes that another key signs the log.
func fillKey(out *event, ev *Event) {
	r := ev.Record
	out.Entity = &entity{Name: "log key", UID: or(r.Instance, unnamed), TypeID: 99, Type: "Signing Key"}
	out.UpdatedEntity = &entity{Name: "log key", UID: or(r.Key, unnamed), TypeID: 99, Type: "Signing Key"}
	fillChange(out, r)
	out.SeverityID = low
}

func fillChange(out *event, r *audit.Record) {
	out.Actor = actorOf(r)
	if c := r.Change; c != nil {
		out.Comment = c.Diff
		if c.Actor != "" {
			out.Actor = &actor{User: userOf(c.Actor)}
		}
	}
	out.status(1, "Success")
}

// fillReview writes a verdict on an earlier record.
func fillReview(out *event, ev *Event) {
	r := ev.Record
	out.find(r, "Review verdict", "review", low)
	out.SeverityID = informational
	if j := r.Judgement; j != nil {
		out.FindingInfo.UID = or(j.Of, r.ID())
		out.FindingInfo.Types = []string{j.Verdict}
		if j.Note != "" {
			out.Notes = []note{{Comment: j.Note, Created: r.Time.UnixMilli(), Owner: userOf(r.Subject)}}
		}
		if j.Verdict == audit.VerdictBad {
			out.SeverityID = high
		}
	}
	out.status(4, "Resolved")
}

func fillGap(out *event, ev *Event) {
	out.find(ev.Record, "The log failed and a process stopped", "evidence", critical)
}

func fillTornTail(out *event, ev *Event) {
	out.find(ev.Record, "A crash cut the last records of a log short", "evidence", medium)
}

// fillDenials writes that one principal was denied too often to be recorded call
// by call.
func fillDenials(out *event, ev *Event) {
	out.find(ev.Record, "Many calls of one principal were denied", "denials", medium)
}

// fillClock writes a step of the wall clock: a finding until it is settled.
func fillClock(out *event, ev *Event) {
	severity := informational
	if c := ev.Record.Clock; c != nil && c.State == "stepped" {
		severity = medium
	}
	out.find(ev.Record, "The wall clock was set", "clock", severity)
}

func fillAnomaly(out *event, ev *Event) {
	out.find(ev.Record, "Something that should not have happened", "anomaly", high)
}

// find writes a finding of Custos itself.
func (out *event) find(r *audit.Record, title, kind string, severity int) {
	out.FindingInfo = &findingInfo{
		UID: r.ID(), Title: title, Desc: r.Detail, CreatedTime: r.Time.UnixMilli(),
		Types: []string{kind}, Analytic: analytic{Name: "custos/" + string(r.Kind), TypeID: 1, Type: "Rule"},
	}
	out.SeverityID = severity
	if r.Backend != "" {
		out.Resources = []resource{{Name: r.Backend, Type: "backend"}}
	}
	out.status(1, "New")
}

// fillGuard writes that a process began or ceased to guard a backend.
func fillGuard(out *event, ev *Event) {
	r := ev.Record
	out.App = &application{Name: or(r.Backend, unnamed), UID: r.CommandDigest, Feature: &feature{"mcp-server"}}
	out.status(1, "Success")
	out.StatusDetail = r.Detail
}

// fillLog writes what became of a chain or of segments of it.
func fillLog(out *event, ev *Event) {
	out.StatusDetail = ev.Record.Detail
	out.App = &application{Name: "custos", UID: ev.Record.Instance, Feature: &feature{"log"}}
	out.status(1, "Success")
}

// fillLease writes that a lease was made, ended or looked at.
func fillLease(out *event, ev *Event) {
	r := ev.Record
	out.User = userOf(or(r.Subject, unnamed))
	out.Privileges = []string{"lease " + or(r.Lease, unnamed)}
	out.StatusDetail = r.Detail
	out.status(1, "Success")
	if r.Approval == nil {
		return
	}
	if r.Approval.By != "" {
		out.Actor = &actor{User: userOf(r.Approval.By)}
	}
	switch r.Approval.State {
	case "granted":
	case "requested":
		out.ActivityID, out.ActivityName = 99, "Request Privileges"
		out.status(99, "Pending")
	case "reviewed":
		out.ActivityID, out.ActivityName = 99, "Review Privileges"
	default:
		out.ActivityID, out.ActivityName = 99, "End Privileges"
	}
}
