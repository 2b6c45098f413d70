package pep

import (
	"maps"
	"slices"
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
		Nearest: d.Nearest, Facts: facts(r), PolicyDigest: d.PolicyDigest,
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
		rec.URI = clip(bare(t.name), 1024)
	case access.Prompt:
		rec.Prompt = clip(t.name, 256)
	default:
	}
	if d.Denied() {
		rec.Message = message(d)
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

// maxMatched bounds how many rules one record lists.
const maxMatched = 64

// message is what the caller was answered, without the value of the call that it
// repeats and without what a parser quoted: a record holds neither.
func message(d *access.Decision) string {
	m := d.Message
	if d.Shown != "" {
		m = strings.Replace(m, d.Shown, "The path", 1)
	}
	if d.Reason == access.RequestMalformed || d.Reason == access.RequestTooLarge {
		m = unquoted(m)
	}
	return m
}

// unquoted empties what stands between double quotes.
func unquoted(s string) string {
	var b strings.Builder
	inside := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && inside:
			i++
		case c == '"':
			if inside {
				b.WriteString("…")
			}
			inside = !inside
			b.WriteByte(c)
		case !inside:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// bare cuts user, query and fragment out of a URI: they are where tokens travel.
func bare(uri string) string {
	if i := strings.IndexAny(uri, "?#"); i >= 0 {
		uri = uri[:i+1] + "…"
	}
	scheme, rest, ok := strings.Cut(uri, "://")
	if !ok {
		return uri
	}
	end := strings.IndexAny(rest, `/\\`)
	if end < 0 {
		end = len(rest)
	}
	if at := strings.LastIndexByte(rest[:end], '@'); at >= 0 {
		rest = "…" + rest[at:]
	}
	return scheme + "://" + rest
}

// maxFacts bounds how many facts one record lists.
const maxFacts = 32

// facts lists what was known beside the call, in the order of names.
func facts(r *access.Request) []audit.Fact {
	if len(r.Facts) == 0 {
		return nil
	}
	names := slices.Sorted(maps.Keys(r.Facts))
	out := make([]audit.Fact, 0, min(len(names), maxFacts))
	for _, name := range names[:min(len(names), maxFacts)] {
		out = append(out, audit.NewFact(name, r.Facts[name]))
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
