package book

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/approval"
)

// stand makes a lease of an answer that granted a call, where those who answered
// wanted that or the rules say so: of those answers alone that agree how far it
// stands, where they are enough by themselves.
func (b *Book) stand(ctx context.Context, tx *sql.Tx, it *Item, v *approval.Vote, now approval.Moment) error {
	r := &it.Request
	if !slices.ContainsFunc(r.Rules, func(rule approval.Rule) bool { return rule.Standing.Allowed }) {
		return nil
	}
	call, err := approval.CallOf(r)
	if err != nil {
		return err
	}
	terms, origin, votes := v.Standing, approval.FromAnswer, agreeing(it.Votes, v.Standing)
	if terms == nil {
		terms, origin, votes = approval.Issued(call), approval.FromPolicy, it.Votes
	}
	if terms == nil || approval.CheckTerms(r.Rules, terms) != nil || !approval.Granted(r, votes) {
		return nil
	}
	if !terms.Scope.Covers(call) {
		return approval.ErrOutside
	}
	l := &approval.Lease{
		Origin: origin, Subject: r.Subject, Agent: r.Agent, Client: r.Client, Root: r.Root, Scope: terms.Scope, Secrets: r.Secrets,
		Bound: true, Instance: r.Instance, Definition: r.Definition, Rules: r.Rules, Uses: terms.Uses, For: terms.For, Idle: terms.Idle,
		Request: it.ID(), Votes: bare(votes),
	}
	if terms.AnyClient {
		l.Client = ""
	}
	it.Lease, err = b.insertLease(ctx, tx, l, now)
	return err
}

// agreeing returns the votes that want the answer to stand exactly that far.
func agreeing(votes []approval.Vote, terms *approval.Terms) []approval.Vote {
	var out []approval.Vote
	for i := range votes {
		if terms != nil && reflect.DeepEqual(votes[i].Standing, terms) {
			out = append(out, votes[i])
		}
	}
	return out
}

// bare returns votes without how far they were to stand, which the lease says.
func bare(votes []approval.Vote) []approval.Vote {
	out := make([]approval.Vote, len(votes))
	for i, v := range votes {
		v.Standing = nil
		out[i] = v
	}
	return out
}

// Propose asks people for a lease: a request that holds no call, and whose
// answers make the lease. A request for the same that is open already is
// returned as it is, and not fresh; what was refused stays refused for a while.
//
// r.Act MUST be set and r.Params be the JSON of an [approval.Lease], which is
// what people are shown.
func (b *Book) Propose(ctx context.Context, r *approval.Request) (it Item, fresh bool, err error) {
	if r.Act == "" {
		return Item{}, false, errors.New("a call is consulted about, not proposed")
	}
	if _, err := proposal(r); err != nil {
		return Item{}, false, err
	}
	tx, now, err := b.begin(ctx)
	if err != nil {
		return Item{}, false, err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	c := consultation{book: b, tx: tx, now: now, request: r}
	a, err := c.answer(ctx)
	if err != nil {
		return Item{}, false, err
	}
	number, err := ParseID(a.ID)
	if err != nil {
		return Item{}, false, err
	}
	if it, err = b.one(ctx, tx, number); err != nil {
		return it, false, err
	}
	if it.State == access.ApprovalRefused {
		return it, false, &SettledError{it}
	}
	if err := commit(tx); err != nil {
		return it, false, err
	}
	return it, a.New, nil
}

// proposal reads the lease that a request asks for.
func proposal(r *approval.Request) (*approval.Lease, error) {
	var l approval.Lease
	if err := json.Unmarshal([]byte(r.Params), &l); err != nil {
		return nil, fmt.Errorf("the request asks for no lease: %w", err)
	}
	if l.Subject != r.Subject || l.Uses < 1 || l.Uses > approval.MaxUses || l.For <= 0 || len(l.Rules) == 0 {
		return nil, fmt.Errorf("%w: a lease has a subject, rules, a number of uses and a time", approval.ErrTerms)
	}
	t := approval.Terms{Uses: l.Uses, For: l.For}
	return &l, approval.CheckTerms(l.Rules, &t)
}

// perform makes the lease that people were asked for.
func (b *Book) perform(ctx context.Context, tx *sql.Tx, it *Item, now approval.Moment) error {
	if _, err := approval.CallOf(&it.Request); err != nil { // what they were shown is what was asked for
		return err
	}
	l, err := proposal(&it.Request)
	if err != nil {
		return err
	}
	l.Request, l.Votes = it.ID(), bare(it.Votes)
	if it.Lease, err = b.insertLease(ctx, tx, l, now); err != nil {
		return err
	}
	return setState(ctx, tx, it, access.ApprovalUsed)
}
