package ask

import (
	"context"
	"errors"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/approval/book"
)

// Show prepares a request for a channel at this machine, whose answers have
// assurance host. It returns an error where an answer would not count, because
// of who sits here, of how sure the channel is, or because the request cannot
// be shown whole: nobody is asked in vain.
func (d *Desk) Show(ctx context.Context, id string) (*View, error) {
	it, err := d.get(ctx, id)
	if err != nil {
		return nil, err
	}
	if it.State != access.ApprovalOpen {
		return nil, &book.SettledError{Item: it}
	}
	vote := d.vote("", true)
	if err := approval.Check(&it.Request, &vote); err != nil {
		return nil, err
	}
	v, err := d.Look(ctx, &it)
	if err == nil && v.Problem != "" {
		err = errors.New(v.Problem)
	}
	return v, err
}

// Say counts the answer of whoever sits at this machine, by a channel of this
// machine.
func (d *Desk) Say(ctx context.Context, id, channel string, allow bool) error {
	_, err := d.Answer(ctx, id, d.vote(channel, allow))
	return err
}

func (d *Desk) vote(channel string, allow bool) approval.Vote {
	var by approval.Person
	if d.opt.Person != nil {
		by = d.opt.Person()
	}
	return approval.Vote{
		Answer: access.Answer{Allow: allow, By: by.ID, Channel: channel, Assurance: string(approval.Host)}, Groups: by.Groups,
	}
}

// get reads one request.
func (d *Desk) get(ctx context.Context, id string) (book.Item, error) {
	n, err := book.ParseID(id)
	if err != nil {
		return book.Item{}, err
	}
	b, err := d.Book()
	if err != nil {
		return book.Item{}, err
	}
	return b.Get(ctx, n)
}
