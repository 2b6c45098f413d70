package audit

import (
	"fmt"
	"sync"
	"time"

	"github.com/custos-zt/custos/access"
)

// How many denials of one principal are recorded one by one. What exceeds that
// is counted: an agent that runs in a circle, or means to fill the disk, does
// not write the log.
const (
	// DenialBurst is how many come at once, DenialRate how many in a second for
	// as long as it goes on.
	DenialBurst = 100
	DenialRate  = 10
	// denialWindow is what one record counts over. Whoever is denied meanwhile is
	// answered at its end, which is also a brake.
	denialWindow = 100 * time.Millisecond
	// maxDenialGroups bounds what one record tells apart, maxPrincipals what is
	// remembered; the rest share one account.
	maxDenialGroups = 16
	maxPrincipals   = 4096
)

// Coalesced counts the denials that a denials record stands for.
type Coalesced struct {
	Count int `json:"count"`
	// First and Last are when the first and the last of them were decided.
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	// Groups tells them apart, and More counts those of no group here.
	Groups []DenialGroup `json:"groups"`
	More   int           `json:"more,omitempty"`
}

// DenialGroup counts denials for the same reason of calls of the same target.
type DenialGroup struct {
	Method string        `json:"method,omitempty"`
	Target string        `json:"target,omitempty"` // tool, URI or prompt
	Reason access.Reason `json:"reason,omitempty"`
	Rule   string        `json:"rule,omitempty"`
	Count  int           `json:"count"`
}

// Denials stands before a [Log] and coalesces the denials of a principal that
// exceeds [DenialBurst] and [DenialRate]. In each window the first is recorded
// as ever; those after it are counted by one denials record that names it. Their
// tickets carry its id, and resolve when the count is durable: a decision that
// was answered has its evidence, coalesced or not. Everything else passes as it
// is, an allowed call above all.
//
// Its methods may be called from any number of goroutines.
type Denials struct {
	log *Log
	now func() time.Time // its differences are steady

	mu         sync.Mutex
	principals map[principal]*account
}

// principal is who is denied. What the client calls itself is not part of it:
// it could change with each call.
type principal struct{ subject, agent, session, backend string }

// account is what is known of one principal.
type account struct {
	left    float64 // denials that may still be recorded one by one
	at      time.Time
	pending *pendingDenials // nil: no window is open
}

// pendingDenials is an open window.
type pendingDenials struct {
	like    Record // the first of the window, in full
	id      uint64 // its seq
	counted Coalesced
	groups  map[DenialGroup]int // index in counted.Groups, by what they share
	wait    *group
}

// NewDenials returns what stands before log.
func NewDenials(log *Log) *Denials {
	return &Denials{log: log, now: time.Now, principals: map[principal]*account{}}
}

// Append is [Log.Append], but for denials in excess. The seq of their tickets is
// 0, and their id that of the record that stands for them.
func (d *Denials) Append(rec Record) Ticket {
	if rec.Kind != KindAdmission || rec.Decision != access.Deny || rec.Approval != nil {
		return d.log.Append(rec)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	a := d.account(&rec, now)
	switch {
	case a.pending != nil:
		return a.pending.add(&rec, now, d.log.opt.Slot)
	case a.left >= 1:
		a.left--
		return d.log.Append(rec)
	default:
		t := d.log.Append(rec)
		if t.Seq() != 0 {
			d.open(a, &rec, t.Seq(), now)
		}
		return t
	}
}

// account returns the account of whoever is denied, topped up. d.mu is held.
func (d *Denials) account(r *Record, now time.Time) *account {
	who := principal{r.Subject, r.Agent, r.Session, r.Backend}
	a := d.principals[who]
	if a == nil && len(d.principals) >= maxPrincipals {
		d.sweep(now)
	}
	if a == nil && len(d.principals) >= maxPrincipals {
		who = principal{}
		a = d.principals[who]
	}
	if a == nil {
		a = &account{left: DenialBurst, at: now}
		d.principals[who] = a
	}
	a.topUp(now)
	return a
}

func (a *account) topUp(now time.Time) {
	a.left = min(DenialBurst, a.left+DenialRate*now.Sub(a.at).Seconds())
	a.at = now
}

// sweep forgets who has a full account. d.mu is held.
func (d *Denials) sweep(now time.Time) {
	for who, a := range d.principals {
		if a.topUp(now); a.pending == nil && a.left >= DenialBurst {
			delete(d.principals, who)
		}
	}
}

// open begins a window behind the record seq. d.mu is held.
func (d *Denials) open(a *account, like *Record, seq uint64, now time.Time) {
	p := &pendingDenials{like: *like, id: seq, groups: map[DenialGroup]int{}, wait: &group{done: make(chan struct{})}}
	a.pending = p
	time.AfterFunc(denialWindow, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if a.pending == p {
			d.close(a)
		}
	})
}

// add counts one denial more.
func (p *pendingDenials) add(r *Record, now time.Time, slot int) Ticket {
	c := &p.counted
	if c.Count == 0 {
		c.First = now
	}
	c.Count++
	c.Last = now
	key := DenialGroup{Method: r.Method, Target: r.Tool + r.URI + r.Prompt, Reason: r.Reason, Rule: r.Rule}
	i, known := p.groups[key]
	switch {
	case known:
		c.Groups[i].Count++
	case len(c.Groups) < maxDenialGroups:
		p.groups[key] = len(c.Groups)
		key.Count = 1
		c.Groups = append(c.Groups, key)
	default:
		c.More++
	}
	return Ticket{slot: slot, like: p.id, g: p.wait}
}

// close ends a window: what was counted is recorded, and whoever waits is told
// once that is durable. d.mu is held.
func (d *Denials) close(a *account) {
	p := a.pending
	a.pending = nil
	if p.counted.Count == 0 {
		close(p.wait.done)
		return
	}
	like := &p.like
	t := d.log.Append(Record{
		Kind: KindDenials, Admission: p.id, Coalesced: &p.counted, Decision: access.Deny,
		Subject: like.Subject, Agent: like.Agent, Client: like.Client, Session: like.Session,
		Backend: like.Backend, Isolation: like.Isolation, PolicyDigest: like.PolicyDigest,
		Detail: fmt.Sprintf("%d more calls of one principal were denied", p.counted.Count),
	})
	go func() {
		p.wait.err = t.Wait()
		close(p.wait.done)
	}()
}

// Flush ends every open window, before the log is closed.
func (d *Denials) Flush() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, a := range d.principals {
		if a.pending != nil {
			d.close(a)
		}
	}
}
