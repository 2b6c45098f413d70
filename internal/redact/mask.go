package redact

import (
	"encoding/json"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
)

// mask replaces secrets in every text that did not come from Custos itself: not
// in digests, kinds, reasons, numbers and ids that it made.
func (d *Redactor) mask(r *audit.Record) {
	for _, s := range [...]*string{
		&r.RPCID, &r.Method, &r.Backend, &r.Tool, &r.URI, &r.Prompt, &r.Rule, &r.Position, &r.Layer,
		&r.Subject, &r.Client, &r.Session, &r.Agent, &r.Message, &r.Detail, &r.Lease,
	} {
		*s = d.Text(*s)
	}
	d.maskDecision(r)
	r.Provenance = changed(r.Provenance, func(o *audit.Origin) { o.Of, o.From = d.Text(o.Of), d.Text(o.From) })
	r.Labels, r.AddLabels, r.Notify = d.texts(r.Labels), d.texts(r.AddLabels), d.texts(r.Notify)
	if r.Args != nil {
		a := *r.Args
		a.Names, a.Values = d.texts(a.Names), d.texts(a.Values)
		r.Args = &a
	}
	if r.Expired != nil {
		e := *r.Expired
		e.Missed = changed(e.Missed, func(m *audit.Missed) { m.Reader = d.Text(m.Reader) })
		r.Expired = &e
	}
	d.maskPeople(r)
	d.coalesced(r)
}

func (d *Redactor) maskDecision(r *audit.Record) {
	r.Matched = changed(r.Matched, func(m *access.Match) {
		m.Rule, m.Position, m.Open = d.Text(m.Rule), d.Text(m.Position), d.open(m.Open)
	})
	if r.Nearest != nil {
		n := *r.Nearest
		n.Rule, n.Position, n.Open = d.Text(n.Rule), d.Text(n.Position), d.open(n.Open)
		r.Nearest = &n
	}
	r.Facts = changed(r.Facts, func(f *audit.Fact) {
		f.Name, f.Source = d.Text(f.Name), d.Text(f.Source)
		if d.opt.Secrets.Find(string(f.Value)) {
			f.Value = json.RawMessage(nil)
		}
	})
	if r.StepUp != nil {
		s := *r.StepUp
		s.ACR = d.texts(s.ACR)
		r.StepUp = &s
	}
	if r.Trust != nil {
		t := *r.Trust
		t.Parts = changed(t.Parts, func(p *audit.TrustPart) { p.Of = d.Text(p.Of) })
		r.Trust = &t
	}
}

func (d *Redactor) maskPeople(r *audit.Record) {
	if r.Approval != nil {
		a := *r.Approval
		a.ID, a.By, a.Channel, a.Assurance = d.Text(a.ID), d.Text(a.By), d.Text(a.Channel), d.Text(a.Assurance)
		r.Approval = &a
	}
	if r.Change != nil {
		c := *r.Change
		c.Actor, c.Signer, c.Diff = d.Text(c.Actor), d.Text(c.Signer), d.Text(c.Diff)
		r.Change = &c
	}
	if r.Judgement != nil {
		j := *r.Judgement
		j.Note = d.Text(j.Note)
		r.Judgement = &j
	}
}

// coalesced masks what denials were counted by.
func (d *Redactor) coalesced(r *audit.Record) {
	if r.Coalesced == nil {
		return
	}
	c := *r.Coalesced
	c.Groups = changed(c.Groups, func(g *audit.DenialGroup) {
		g.Method, g.Target, g.Rule = d.Text(g.Method), d.Text(g.Target), d.Text(g.Rule)
	})
	r.Coalesced = &c
}

func (d *Redactor) open(list []access.Condition) []access.Condition {
	return changed(list, func(c *access.Condition) { c.Field = d.Text(c.Field) })
}

func (d *Redactor) texts(list []string) []string {
	return changed(list, func(s *string) { *s = d.Text(*s) })
}
