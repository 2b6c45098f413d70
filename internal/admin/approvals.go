package admin

import (
	"context"
	"strings"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/approval/book"
	"github.com/custos-zt/custos/internal/ask"
)

// recent is how many requests [Operator.Approvals] returns of those that do not
// wait.
const recent = 100

// HiddenCharacters is the risk that somebody accepts who allows a call with
// characters that do not show.
const HiddenCharacters = "hidden-characters"

// Answer is what somebody says to one held call.
type Answer struct {
	Allow bool `json:"allow"`
	// Code is what the caller's device shows, for rules that want one; "" is
	// none. It is used up whatever becomes of the answer.
	Code string `json:"code,omitempty"`
	// AcceptRisk names the risk that the caller saw: [HiddenCharacters].
	AcceptRisk string `json:"accept_risk,omitempty"`
	// Standing names how far an answer that allows stands for later calls, one of
	// those in [ask.View].Standing; "" is for this call alone. Uses and For say
	// how often and how long, 0 as far as the rules let it.
	Standing string        `json:"standing,omitempty"`
	Uses     int           `json:"uses,omitempty"`
	For      approval.Span `json:"for,omitempty"`
}

// Approvals returns the requests that wait for an answer, oldest first; with all
// also what became of others, newest first.
func (o *Operator) Approvals(ctx context.Context, all bool) ([]*ask.View, error) {
	if err := o.may(Viewer); err != nil {
		return nil, err
	}
	out := []*ask.View{}
	b, err := o.book()
	if b == nil || err != nil {
		return out, err
	}
	var items []book.Item
	if all {
		items, err = b.Recent(ctx, recent)
	} else {
		items, err = b.Open(ctx)
	}
	if err != nil {
		return nil, err
	}
	for i := range items {
		v, err := o.opt.Desk.Look(ctx, &items[i])
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// Approval returns one request.
func (o *Operator) Approval(ctx context.Context, id string) (*ask.View, error) {
	if err := o.may(Viewer); err != nil {
		return nil, err
	}
	n, err := book.ParseID(id)
	if err != nil {
		return nil, refuse(Invalid, err.Error())
	}
	b, err := o.book()
	if err != nil {
		return nil, err
	}
	if b == nil {
		return nil, refuse(NotFound, "no call was ever held for a person here")
	}
	it, err := b.Get(ctx, n)
	if err != nil {
		return nil, refusal(err)
	}
	return o.opt.Desk.Look(ctx, &it)
}

// Answer counts the caller's answer and returns what it made of the request.
// Somebody who allows what cannot be shown, or has characters that do not show
// and were not accepted, is refused; a refusal of the call always counts.
func (o *Operator) Answer(ctx context.Context, id string, a Answer) (*ask.View, error) {
	if err := o.may(Approver); err != nil {
		return nil, err
	}
	v, err := o.Approval(ctx, id)
	if err != nil {
		return nil, err
	}
	if a.Allow {
		if err := acceptable(v, a.AcceptRisk); err != nil {
			return nil, err
		}
	}
	if o.opt.Ready != nil {
		if err := o.opt.Ready(); err != nil {
			return nil, &Refusal{Evidence, err.Error(), err}
		}
	}
	terms, err := o.terms(ctx, id, &a)
	if err != nil {
		return nil, refusal(err)
	}
	how := approval.Host
	if a.Allow && a.Code != "" {
		b, err := o.opt.Desk.Book()
		if err != nil {
			return nil, err
		}
		code := strings.ReplaceAll(strings.TrimSpace(a.Code), " ", "") // as devices show it
		if err := b.TakeCode(ctx, o.caller.Person.ID, code); err != nil {
			return nil, refusal(err)
		}
		how = approval.Code
	}
	it, err := o.opt.Desk.Answer(ctx, id, approval.Vote{
		Answer: access.Answer{Allow: a.Allow, By: o.caller.Person.ID, Channel: o.caller.Channel, Assurance: string(how)},
		Groups: o.caller.Person.Groups, Standing: terms,
	})
	if err != nil {
		return nil, refusal(err)
	}
	return o.opt.Desk.Look(ctx, &it)
}

// terms are how far an answer shall stand, nil for the call alone.
func (o *Operator) terms(ctx context.Context, id string, a *Answer) (*approval.Terms, error) {
	switch {
	case a.Standing == "" && a.Uses == 0 && a.For == 0:
		return nil, nil
	case !a.Allow:
		return nil, refuse(Invalid, "an answer that does not allow the call cannot stand")
	case a.Standing == "":
		return nil, refuse(Invalid, "standing names how far the answer stands")
	}
	return o.opt.Desk.Terms(ctx, id, a.Standing, a.Uses, time.Duration(a.For))
}

// acceptable says why a request cannot be allowed as it is shown.
func acceptable(v *ask.View, accepted string) error {
	switch {
	case v.Problem != "":
		return refuse(Unshowable, v.ID+" cannot be shown, and so not allowed: "+v.Problem)
	case v.Hidden && accepted != HiddenCharacters:
		return refuse(Hidden, v.ID+" contains characters that do not show, and was not allowed")
	case accepted != "" && accepted != HiddenCharacters:
		return refuse(Invalid, "the only risk that can be accepted is "+HiddenCharacters)
	}
	return nil
}
