package pep

import (
	"strings"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
)

// admission describes a decision for the log.
func (p *Point) admission(c *Call, t *target, r *access.Request, a *Admission) audit.Record {
	d := &a.Decision
	rec := audit.Record{
		Kind: audit.KindAdmission, RPCID: clip(strings.Trim(c.ID, `"`), 128), Method: clip(c.Method, 128), Backend: p.opt.Backend,
		Direction: c.Direction.String(), OneWay: oneWay(c),
		Decision: d.Effect, Reason: d.Reason, Rule: d.Rule, Position: d.Position, Layer: d.Layer,
		Matched: d.Matched[:min(len(d.Matched), maxMatched)], MatchedMore: max(0, len(d.Matched)-maxMatched),
		AddLabels: d.AddLabels, Notify: d.Notify,
		Nearest: d.Nearest, StepUp: d.StepUp, Facts: facts(r), PolicyDigest: d.PolicyDigest,
		Subject: r.Subject.String(), Client: p.clientName(), Session: p.opt.Session.ID, Agent: r.Agent, Isolation: p.opt.Isolation,
		Args:       p.describe(r),
		Judged:     audit.Judge(r, p.opt.Keyed),
		Provenance: p.provenance(r),
		Approval:   answered(d),
		Lease:      d.Lease,
		EvalUS:     time.Since(a.started).Microseconds(),
	}
	switch t.kind {
	case access.Tool:
		rec.Tool = clip(t.name, 256)
	case access.Resource:
		rec.URI = clip(bare(t.name), 1024)
	case access.Prompt:
		rec.Prompt = clip(t.name, 256)
	default:
	}
	if d.Denied() {
		rec.Message = message(d)
	}
	if !c.Since.IsZero() {
		rec.HoldUS = a.started.Sub(c.Since).Microseconds()
	}
	return rec
}

// oneWay reports whether no outcome will follow: notifications, replies, and
// what was only asked.
func oneWay(c *Call) bool {
	switch c.Direction {
	case Reply, Asked:
		return true
	default:
		return c.Method == "" || strings.HasPrefix(c.Method, "notifications/")
	}
}

// outcome describes how an admitted call ended.
func (p *Point) outcome(a *Admission, res Result) audit.Record {
	return audit.Record{
		Kind: audit.KindOutcome, Admission: a.ticket.Seq(), Method: a.method,
		Status: res.Status, Bytes: int64(res.Bytes), DurationUS: time.Since(a.started).Microseconds(),
		Counts: res.Counts, Labels: []string{},
	}
}
