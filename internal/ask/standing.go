package ask

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/approval/book"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/term"
)

// compared is how many held calls a candidate is compared with.
const compared = 100

// Candidates returns how an answer to a request could stand for later calls,
// from exact to broad, and for each how many of the last held calls it would
// have answered too. It is empty where the rules let no answer stand, and where
// the request holds no call.
func (d *Desk) Candidates(ctx context.Context, id string) ([]approval.Candidate, error) {
	b, it, err := d.waiting(ctx, id)
	if err != nil {
		return nil, err
	}
	return d.candidates(ctx, b, &it)
}

// candidates are those of a request, compared with earlier calls.
func (d *Desk) candidates(ctx context.Context, b *book.Book, it *book.Item) ([]approval.Candidate, error) {
	call, list, err := candidates(it)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	earlier, err := b.Calls(ctx, it.Number, compared)
	if err != nil {
		return nil, err
	}
	s := &showing{mask: d.opt.Mask, secrets: it.Request.Secrets}
	for i := range list {
		list[i].Text = list[i].Scope.Words(s.constraint)
	}
	for k := range earlier {
		past, err := approval.CallOf(&earlier[k].Request)
		if err != nil {
			continue
		}
		for i := range list {
			list[i].Of++
			if would(call, &list[i], past) {
				list[i].Answered++
			}
		}
	}
	return list, nil
}

// candidates reads a request's call and the ways in which an answer could stand.
func candidates(it *book.Item) (*approval.Call, []approval.Candidate, error) {
	t := approval.DefaultTerms(it.Request.Rules)
	if it.Request.Act != "" || approval.CheckTerms(it.Request.Rules, &t) != nil {
		return nil, nil, nil
	}
	call, err := approval.CallOf(&it.Request)
	if err != nil {
		return nil, nil, err
	}
	return call, approval.Candidates(call), nil
}

// would reports whether an answer to call that stands as far as c does would
// have answered an earlier one.
func would(call *approval.Call, c *approval.Candidate, past *approval.Call) bool {
	l := approval.Lease{Subject: call.Subject, Agent: call.Agent, Client: call.Client, Root: call.Root, Scope: c.Scope}
	if c.AnyClient {
		l.Client = ""
	}
	return l.Covers(past) && named(call.Rules, past.Rules)
}

// named reports whether rules name all of those that held a call.
func named(rules, held []approval.Rule) bool {
	ids := map[string]bool{}
	for i := range rules {
		ids[rules[i].ID] = true
	}
	for i := range held {
		if !ids[held[i].ID] {
			return false
		}
	}
	return true
}

// constraint shows the name of an argument, or a value that a lease asks of it.
func (s *showing) constraint(arg, value string) string {
	if value == "" {
		return s.name(arg)
	}
	if v, err := canon.Parse(value, canon.Limits{Bytes: 256 << 20, Depth: 1000, FoldDepth: -1}); err == nil {
		return s.value(v, arg)
	}
	if s.declared([]string{arg}) {
		s.masked = true
		return secretHere
	}
	return s.text(value) // a directory
}

// Terms returns how far an answer stands that somebody chose a candidate for by
// its name, as often as uses says; 0 is as often as the rules let it, or
// [approval.DefaultUses] times. length 0 is as long as they let it.
func (d *Desk) Terms(ctx context.Context, id, candidate string, uses int, length time.Duration) (*approval.Terms, error) {
	_, it, err := d.waiting(ctx, id)
	if err != nil {
		return nil, err
	}
	_, list, err := candidates(&it)
	if err != nil {
		return nil, err
	}
	t := approval.DefaultTerms(it.Request.Rules)
	if uses != 0 {
		t.Uses = uses
	}
	if length != 0 {
		t.For = approval.Span(length)
		t.Idle = min(t.Idle, t.For)
	}
	if err := approval.CheckTerms(it.Request.Rules, &t); err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].Name == candidate {
			t.Scope, t.AnyClient = list[i].Scope, list[i].AnyClient
			return &t, nil
		}
	}
	return nil, noCandidate(candidate, list)
}

// CandidateLines says which candidates there are, numbered, for a person to
// choose.
func CandidateLines(list []approval.Candidate) []string {
	out := make([]string, len(list))
	for i, c := range list {
		more := ""
		if c.AnyClient {
			more = ", any client"
		}
		out[i] = fmt.Sprintf("%d  %-9s  %s%s   (would also have answered %d of the last %d held calls)", i+1, c.Name, c.Text, more, c.Answered, c.Of)
	}
	return out
}

// Chosen returns the name of the candidate that a person chose by its number or
// name.
func Chosen(list []approval.Candidate, typed string) (string, bool) {
	typed = strings.ToLower(strings.TrimSpace(typed))
	for i, c := range list {
		if typed == c.Name || typed == strconv.Itoa(i+1) {
			return c.Name, true
		}
	}
	return "", false
}

// issues says what every answer to a request opens by itself, as its rules say;
// "" for nothing.
func (s *showing) issues(it *book.Item) string {
	if it.Request.Act != "" {
		return ""
	}
	call, err := approval.CallOf(&it.Request)
	if err != nil {
		return ""
	}
	t := approval.Issued(call)
	if t == nil {
		return ""
	}
	return fmt.Sprintf("to allow it also lets %d more calls pass within %s: %s", t.Uses, t.For, t.Scope.Words(s.constraint))
}

// ErrCandidate says that an answer cannot stand the way somebody named.
var ErrCandidate = errors.New("an answer to this call cannot stand like that")

// noCandidate names the ways there are.
func noCandidate(name string, list []approval.Candidate) error {
	names := make([]string, len(list))
	for i := range list {
		names[i] = list[i].Name
	}
	return fmt.Errorf("%w (%s); it can as %s", ErrCandidate, term.Escape(name), strings.Join(names, ", "))
}

// Stand counts the answer of whoever sits at this machine, which allows this
// call and stands for later ones.
func (d *Desk) Stand(ctx context.Context, id, channel, candidate string) (book.Item, error) {
	t, err := d.Terms(ctx, id, candidate, 0, 0)
	if err != nil {
		return book.Item{}, err
	}
	v := d.vote(channel, true)
	v.Standing = t
	return d.Answer(ctx, id, v)
}

// waiting reads a request that is open.
func (d *Desk) waiting(ctx context.Context, id string) (*book.Book, book.Item, error) {
	n, err := book.ParseID(id)
	if err != nil {
		return nil, book.Item{}, err
	}
	b, err := d.Book()
	if err != nil {
		return nil, book.Item{}, err
	}
	it, err := b.Get(ctx, n)
	if err == nil && it.State != access.ApprovalOpen {
		err = &book.SettledError{Item: it}
	}
	return b, it, err
}
