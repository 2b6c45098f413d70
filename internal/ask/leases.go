package ask

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/approval/book"
	"github.com/custos-zt/custos/internal/canon"
)

// LeaseView is one lease as people see it. What an agent or a server wrote is
// escaped, and what is secret is masked.
type LeaseView struct {
	ID     string              `json:"id"`
	State  approval.LeaseState `json:"state"`
	Origin approval.Origin     `json:"origin"`
	// Subject is whom it is for, by Client in Root where it is bound to them.
	Subject string `json:"subject"`
	Agent   string `json:"agent,omitempty"`
	Client  string `json:"client,omitempty"`
	Root    string `json:"root,omitempty"`
	// Title is what may be called, and Covers with which arguments. For an entry
	// of `break_glass` Title is its name.
	Title  string   `json:"title"`
	Covers string   `json:"covers,omitempty"`
	Rules  []string `json:"rules,omitempty"`
	Glass  string   `json:"break_glass,omitempty"`

	Uses    int       `json:"uses"`
	Used    int       `json:"used"`
	Opened  time.Time `json:"opened"`
	Last    time.Time `json:"last,omitzero"`
	Expires time.Time `json:"expires"`
	Purpose string    `json:"purpose,omitempty"`
	// Request is the id of what people answered, Answers what they said.
	Request string          `json:"request,omitempty"`
	Answers []access.Answer `json:"answers,omitempty"`
	// Due is when somebody has to look at what was done, Reviewed when somebody
	// did.
	Due      time.Time `json:"review_due,omitzero"`
	Reviewed time.Time `json:"reviewed,omitzero"`
	Reviewer string    `json:"reviewer,omitempty"`
	Problem  string    `json:"problem,omitempty"`
}

// Lease prepares a lease for people.
func (d *Desk) Lease(l *book.Leased) LeaseView {
	s := &showing{mask: d.opt.Mask, secrets: l.Lease.Secrets}
	v := LeaseView{
		ID: l.ID(), State: l.State, Origin: l.Lease.Origin, Subject: s.text(l.Lease.Subject), Agent: s.text(l.Lease.Agent),
		Client: s.text(l.Lease.Client), Root: s.text(l.Lease.Root), Glass: s.text(l.Lease.Glass),
		Uses: l.Lease.Uses, Used: l.Used, Opened: l.Opened, Last: l.Last, Expires: l.Ends(), Purpose: s.text(l.Lease.Purpose),
		Request: l.Lease.Request, Due: l.Due, Reviewed: l.Reviewed, Reviewer: s.text(l.Reviewer),
	}
	if l.Faulty != nil {
		v.Problem = l.Faulty.Error()
		return v
	}
	for i := range l.Lease.Rules {
		v.Rules = append(v.Rules, s.text(l.Lease.Rules[i].ID))
	}
	for i := range l.Lease.Votes {
		v.Answers = append(v.Answers, l.Lease.Votes[i].Answer)
	}
	if v.Glass != "" {
		v.Title = "break-glass " + v.Glass
	} else {
		v.Title, v.Covers = s.text(l.Lease.Scope.Title()), l.Lease.Scope.Words(s.constraint)
	}
	return v
}

// Leases returns the leases that count now, or all that are remembered, newest
// first. Those that turn out to be over are noted as such in the log, where this
// process has one.
func (d *Desk) Leases(ctx context.Context, all bool) ([]LeaseView, error) {
	b, err := d.Book()
	if err != nil {
		return nil, err
	}
	return d.list(b.Leases(ctx, all))
}

// Due returns the leases that somebody has to look at and nobody did yet.
func (d *Desk) Due(ctx context.Context) ([]LeaseView, error) {
	b, err := d.Book()
	if err != nil {
		return nil, err
	}
	return d.list(b.Due(ctx))
}

func (d *Desk) list(leases []book.Leased, err error) ([]LeaseView, error) {
	out := make([]LeaseView, 0, len(leases))
	for i := range leases {
		out = append(out, d.Lease(&leases[i]))
	}
	return out, err
}

// number finds the lease of an id in a book in which none is live whose time is
// over.
func (d *Desk) number(ctx context.Context, id string) (int64, *book.Book, error) {
	n, err := book.ParseLease(id)
	if err != nil {
		return 0, nil, err
	}
	b, err := d.Book()
	if err == nil {
		d.sweep(ctx, b)
	}
	return n, b, err
}

// Revoke ends a lease at once; to tighten takes no proof. That it did is recorded
// afterwards: a log that fails does not keep a lease alive.
func (d *Desk) Revoke(ctx context.Context, id string, by approval.Vote) (LeaseView, error) {
	n, b, err := d.number(ctx, id)
	if err != nil {
		return LeaseView{}, err
	}
	l, err := b.Revoke(ctx, n)
	if err != nil {
		return d.Lease(&l), err
	}
	return d.Lease(&l), d.leaseRecord(&l, "revoked", by.Answer, "")
}

// Review notes that somebody looked at what was done under a lease.
func (d *Desk) Review(ctx context.Context, id, note string, by approval.Vote) (LeaseView, error) {
	n, b, err := d.number(ctx, id)
	if err != nil {
		return LeaseView{}, err
	}
	l, err := b.Review(ctx, n, by.By, func(l *book.Leased) error { return d.leaseRecord(l, "reviewed", by.Answer, note) })
	return d.Lease(&l), err
}

// Proposal asks for a lease.
type Proposal struct {
	// Lease is what is asked for. Its rules are those of the policy in force.
	Lease approval.Lease
	// Policy is the digest of that policy.
	Policy string
}

// ErrPurpose says that a lease is asked for without saying what for.
var ErrPurpose = errors.New("the policy wants to know what for")

// Propose asks people for a lease and, where they may answer it, counts the
// answer of whoever asks: v, or nil for none. The returned item carries the lease
// where that was enough; else others have to answer it like a held call. Nothing
// loosens below the assurance that the rules ask for: an answer that does not
// reach it is an error of package approval, and nobody was asked then.
func (d *Desk) Propose(ctx context.Context, p Proposal, v *approval.Vote) (book.Item, error) {
	b, err := d.Book()
	if err != nil {
		return book.Item{}, err
	}
	d.sweep(ctx, b)
	r, err := request(&p)
	if err != nil {
		return book.Item{}, err
	}
	if v != nil {
		if err := approval.Check(r, v); err != nil {
			return book.Item{}, err
		}
	}
	it, fresh, err := b.Propose(ctx, r)
	if err != nil {
		return it, err
	}
	if asked := (book.Leased{Lease: p.Lease}); fresh {
		asked.Lease.Request = it.ID()
		if err := d.leaseRecord(&asked, "requested", access.Answer{}, ""); err != nil {
			return it, err
		}
	}
	if v == nil {
		return it, nil
	}
	return d.Answer(ctx, it.ID(), *v)
}

// request is what people are asked.
func request(p *Proposal) (*approval.Request, error) {
	text, err := json.Marshal(p.Lease)
	if err != nil {
		return nil, err
	}
	params, err := canon.Parse(string(text), canon.Limits{Bytes: 256 << 20, Depth: 1000, FoldDepth: -1})
	if err != nil {
		return nil, err
	}
	l := &p.Lease
	r := &approval.Request{
		Act: approval.ActLease, Subject: l.Subject, Agent: l.Agent, Backend: l.Scope.Backend, Kind: access.Method,
		Method: "custos/lease", Name: "lease of " + l.Scope.Title(), Params: string(text), Rules: l.Rules, Policy: p.Policy,
	}
	if l.Glass != "" {
		r.Act, r.Method, r.Name = approval.ActBreakGlass, "custos/break-glass", "break-glass "+l.Glass
	}
	r.Digest = canon.RequestDigest(r.Method, params)
	return r, nil
}

// words says what a lease gives.
func words(l *book.Leased, state, note string) string {
	text := fmt.Sprintf("%s: %s, %d of %d calls", l.Lease.Origin, state, l.Used, l.Lease.Uses)
	if state == "granted" || state == "requested" {
		text = fmt.Sprintf("%s: %s, %d calls within %s", l.Lease.Origin, state, l.Lease.Uses, l.Lease.For)
	}
	for _, more := range []struct{ name, value string }{{"break_glass", l.Lease.Glass}, {"purpose", l.Lease.Purpose}, {"note", note}} {
		if more.value != "" {
			text += "; " + more.name + " " + strings.TrimSpace(more.value)
		}
	}
	return text
}
