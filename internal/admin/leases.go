package admin

import (
	"context"
	"strings"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/approval/book"
	"github.com/custos-zt/custos/internal/ask"
)

// Leases returns the leases that count now, or all that are remembered, newest
// first.
func (o *Operator) Leases(ctx context.Context, all bool) ([]ask.LeaseView, error) {
	return o.leases(func() ([]ask.LeaseView, error) { return o.opt.Desk.Leases(ctx, all) })
}

// Due returns the leases that somebody has to look at and nobody did yet, those
// that are due first.
func (o *Operator) Due(ctx context.Context) ([]ask.LeaseView, error) {
	return o.leases(func() ([]ask.LeaseView, error) { return o.opt.Desk.Due(ctx) })
}

func (o *Operator) leases(list func() ([]ask.LeaseView, error)) ([]ask.LeaseView, error) {
	if err := o.may(Viewer); err != nil {
		return nil, err
	}
	if !o.opt.HasBook() {
		return []ask.LeaseView{}, nil
	}
	return list()
}

// Revoke ends a lease at once. To tighten takes no assurance.
func (o *Operator) Revoke(ctx context.Context, id string) (ask.LeaseView, error) {
	if err := o.begin(id); err != nil {
		return ask.LeaseView{}, err
	}
	v, err := o.opt.Desk.Revoke(ctx, id, o.vote(approval.Host))
	return v, refusal(err)
}

// Review notes that the caller looked at what was done under a lease.
func (o *Operator) Review(ctx context.Context, id, note string) (ask.LeaseView, error) {
	if err := o.begin(id); err != nil {
		return ask.LeaseView{}, err
	}
	v, err := o.opt.Desk.Review(ctx, id, note, o.vote(approval.Host))
	return v, refusal(err)
}

// begin makes sure that the caller may act on a lease, and that the log is open.
func (o *Operator) begin(id string) error {
	if err := o.may(Approver); err != nil {
		return err
	}
	if _, err := book.ParseLease(id); err != nil {
		return refuse(Invalid, err.Error())
	}
	if !o.opt.HasBook() {
		return refuse(NotFound, "there are no leases here")
	}
	return o.ready()
}

func (o *Operator) ready() error {
	if o.opt.Ready == nil {
		return nil
	}
	if err := o.opt.Ready(); err != nil {
		return &Refusal{Evidence, err.Error(), err}
	}
	return nil
}

func (o *Operator) vote(how approval.Assurance) approval.Vote {
	return approval.Vote{
		Answer: access.Answer{Allow: true, By: o.caller.Person.ID, Channel: o.caller.Channel, Assurance: string(how)},
		Groups: o.caller.Person.Groups,
	}
}

// LeaseRequest asks for a lease.
type LeaseRequest struct {
	ask.Proposal
	// Code is what the caller's device shows, for rules that want one. It is used
	// up whatever becomes of the request.
	Code string
}

// LeaseAnswer is what became of a request for a lease: the lease, where the
// caller's word was enough, and otherwise what others have to answer.
type LeaseAnswer struct {
	Request *ask.View      `json:"request"`
	Lease   *ask.LeaseView `json:"lease,omitempty"`
}

// Grant asks for a lease and counts the caller's word for it. It is refused below
// the assurance of the approvals that the lease replaces.
func (o *Operator) Grant(ctx context.Context, r LeaseRequest) (*LeaseAnswer, error) {
	if err := o.may(Approver); err != nil {
		return nil, err
	}
	if err := o.ready(); err != nil {
		return nil, err
	}
	how := approval.Host
	if r.Code != "" {
		b, err := o.opt.Desk.Book()
		if err != nil {
			return nil, err
		}
		if err := b.TakeCode(ctx, o.caller.Person.ID, strings.ReplaceAll(strings.TrimSpace(r.Code), " ", "")); err != nil {
			return nil, refusal(err)
		}
		how = approval.Code
	}
	v := o.vote(how)
	return o.propose(ctx, r.Proposal, &v)
}

// BreakGlass asks for a lease of an entry of `break_glass`, which others have to
// approve.
func (o *Operator) BreakGlass(ctx context.Context, p ask.Proposal) (*LeaseAnswer, error) {
	if err := o.may(Approver); err != nil {
		return nil, err
	}
	if err := o.ready(); err != nil {
		return nil, err
	}
	return o.propose(ctx, p, nil)
}

func (o *Operator) propose(ctx context.Context, p ask.Proposal, v *approval.Vote) (*LeaseAnswer, error) {
	it, err := o.opt.Desk.Propose(ctx, p, v)
	if err != nil {
		return nil, refusal(err)
	}
	out := &LeaseAnswer{}
	if out.Request, err = o.opt.Desk.Look(ctx, &it); err != nil {
		return nil, err
	}
	if it.Lease != nil {
		l := o.opt.Desk.Lease(it.Lease)
		out.Lease = &l
	}
	return out, nil
}
