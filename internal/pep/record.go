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
		Matched: d.Matched, PolicyDigest: d.PolicyDigest,
		Subject: r.Subject.String(), Client: p.clientName(), Session: p.opt.Session.ID, Agent: r.Agent, Isolation: p.opt.Isolation,
		Args:       p.describe(r),
		Judged:     audit.Judge(r, p.opt.Keyed),
		Provenance: p.provenance(r),
		Approval:   answered(d),
		EvalUS:     time.Since(a.started).Microseconds(),
	}
	switch t.kind {
	case access.Tool:
		rec.Tool = clip(t.name, 256)
	case access.Resource:
		rec.URI = clip(t.name, 1024)
	case access.Prompt:
		rec.Prompt = clip(t.name, 256)
	default:
	}
	if d.Denied() {
		rec.Message = d.Message
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

// describe tells the arguments without repeating them. A name that the tool
// does not declare could itself be a secret, and is recorded as a digest.
func (p *Point) describe(r *access.Request) *audit.Args {
	if r.Args.IsAbsent() {
		return nil
	}
	declared := func(string) bool { return r.Kind != access.Tool || r.SchemaState == access.SchemaValid }
	return audit.Describe(r.Args, declared, p.opt.Keyed)
}

// provenance says where the judged values came from.
func (p *Point) provenance(r *access.Request) []audit.Origin {
	var out []audit.Origin
	if r.Client != "" {
		out = append(out, audit.Origin{Of: "client", From: "claimed"})
	}
	if r.Tool.Source != "" {
		out = append(out, audit.Origin{Of: "tool", From: r.Tool.Source})
	}
	return out
}

// outcome describes how an admitted call ended.
func (p *Point) outcome(a *Admission, res Result) audit.Record {
	return audit.Record{
		Kind: audit.KindOutcome, Admission: a.ticket.Seq(), Method: a.method,
		Status: res.Status, Bytes: int64(res.Bytes), DurationUS: time.Since(a.started).Microseconds(),
		Counts: res.Counts, Labels: []string{},
	}
}
