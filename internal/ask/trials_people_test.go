package ask

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/approval/book"
)

// What people do in a trial, and what the model of it remembers of leases.

// tenancy is the model's account of one lease.
type tenancy struct {
	any     bool // about whatever arguments, else about args
	args    string
	rules   []string
	def     byte
	uses    int
	used    int
	revoked bool
	// By a clock that nobody sets: when it began and was used last.
	began, last  time.Time
	length, idle time.Duration
}

// standing is how far the policy in force lets answers to rule a stand.
func (w *world) standing() (length time.Duration, uses int) {
	switch w.policy {
	case 0, 2:
		return 10 * time.Minute, 3
	case 6:
		return time.Minute, 1
	default: // it does not, or not answers like these
		return 0, 0
	}
}

// runLeased holds a call that a lease let run against what was agreed on.
func (w *world) runLeased(args string, d *access.Decision) {
	w.leased++
	l := w.leases[d.Lease]
	if l == nil {
		w.fail("%s was never opened", d.Lease)
		return
	}
	length, uses := w.standing()
	now := time.Now()
	l.used++
	switch {
	case l.revoked:
		w.fail("%s was revoked", d.Lease)
	case l.used > l.uses || l.used > uses:
		w.fail("%s let %d calls run", d.Lease, l.used)
	case !l.any && l.args != args:
		w.fail("%s is about %s", d.Lease, l.args)
	case l.def != w.def:
		w.fail("%s is about another definition", d.Lease)
	case now.Sub(l.began) >= min(l.length, length):
		w.fail("%s is over for %v", d.Lease, now.Sub(l.began)-min(l.length, length))
	case now.Sub(l.last) >= l.idle:
		w.fail("%s lay idle for %v", d.Lease, now.Sub(l.last))
	case slices.ContainsFunc(holding(d), func(rule string) bool { return rule != "a" || !slices.Contains(l.rules, rule) }):
		w.fail("%s answers %v, and now %v hold", d.Lease, l.rules, holding(d))
	}
	l.last = now
}

// terms are how far an answer to a request shall stand, mostly nil.
func (w *world) terms(id string) *approval.Terms {
	name := []string{"", "", "same", "any"}[w.rng.IntN(4)]
	idle := time.Duration(1+w.rng.IntN(10)) * time.Minute
	if name == "" {
		return nil
	}
	t, err := w.guards[0].desk.Terms(context.Background(), id, name, 1+w.rng.IntN(3), 0)
	if err != nil {
		return nil // the rules do not let it
	}
	t.Idle = min(t.For, approval.Span(idle))
	return t
}

// revoke ends one of the leases, sometimes while calls are made.
func (w *world) revoke(g *guardian) {
	ids := make([]string, 0, len(w.leases))
	for id := range w.leases {
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return
	}
	slices.SortFunc(ids, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
	id, args := ids[w.rng.IntN(len(ids))], w.args()
	var both sync.WaitGroup
	if w.rng.IntN(2) == 0 {
		both.Go(func() { w.make(g, args) })
	}
	both.Go(func() {
		n, err := book.ParseLease(id)
		if err != nil {
			w.t.Error(err)
			return
		}
		_, err = w.people.Revoke(context.Background(), n)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.tell("%s is revoked: %v", id, err)
	})
	both.Wait()
	w.leases[id].revoked = true
}

// answer answers one of the requests, sometimes by two channels that do not
// agree.
func (w *world) answer() {
	ids := make([]string, 0, len(w.held))
	for id := range w.held {
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return
	}
	slices.SortFunc(ids, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
	id := ids[w.rng.IntN(len(ids))]
	if w.rng.IntN(3) > 0 {
		id = ids[len(ids)-1]
	}
	w.last = w.held[id].args
	allow := w.rng.IntN(4) > 0
	if w.rng.IntN(4) > 0 {
		w.say(w.people, id, "cli", allow, w.terms(id))
		return
	}
	other, err := w.guards[0].desk.Book()
	if err != nil {
		w.t.Fatal(err)
	}
	terms := w.terms(id)
	var both sync.WaitGroup
	both.Go(func() { w.say(w.people, id, "cli", allow, terms) })
	both.Go(func() { w.say(other, id, "elicitation", !allow, nil) })
	both.Wait()
}

func (w *world) say(b *book.Book, id, channel string, allow bool, terms *approval.Terms) {
	n, err := book.ParseID(id)
	if err != nil {
		w.t.Error(err)
		return
	}
	v := approval.Vote{Answer: access.Answer{Allow: allow, By: "os:" + channel, Channel: channel, Assurance: "host"}}
	if allow {
		v.Standing = terms
	}
	it, err := b.Answer(context.Background(), n, v, func(it *book.Item) error {
		// In the transaction: what is noted here is noted in the order of what
		// counts.
		w.mu.Lock()
		defer w.mu.Unlock()
		p := w.held[id]
		switch it.State {
		case access.ApprovalAllowed:
			p.granted, p.ends = true, time.Now().Add(it.Request.Valid())
		case access.ApprovalRefused:
			p.refused = true
		default:
		}
		if it.Lease != nil {
			w.leases[it.Lease.ID()] = &tenancy{
				any: len(it.Lease.Lease.Scope.Args) == 0, args: p.args, rules: p.rules, def: p.def, uses: it.Lease.Lease.Uses,
				began: time.Now(), last: time.Now(), length: time.Duration(it.Lease.Lease.For), idle: time.Duration(it.Lease.Lease.Idle),
			}
		}
		return nil
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tell("%s says %v of %s: %s, %v, lease %v", channel, allow, id, it.State, err, it.Lease != nil)
}
