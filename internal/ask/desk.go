// Package ask puts held calls to people and takes their answers.
//
// A [Desk] is where one process asks. It stands between the policy
// administrator, which consults it about every held call, the gateway, which
// keeps the call, and the book, which all processes of a state directory share.
// Whoever answers, by whatever channel and in whatever process, answers through
// [Desk.Answer]: the answer is durable in the log before it counts.
//
// A channel carries one question to a person and one answer back. It says how
// sure it is that a person answered (architecture.md §6); what a rule demands is
// checked where the answer is counted, not by the channel. What agents wrote is
// shown escaped, as [View] prepares it.
package ask

import (
	"context"
	"fmt"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/approval/book"
)

// Evidence is the log that answers go to.
type Evidence interface {
	Append(audit.Record) audit.Ticket
}

// Options say how a process asks.
type Options struct {
	// Open opens the book, when a call is first held.
	Open func() (*book.Book, error)
	// Exists reports whether there is a book yet; nil: there is. Where there is
	// none there are no leases either, and nothing is made to find out.
	Exists   func() bool
	Evidence Evidence
	// Isolation is recorded with every answer.
	Isolation string
	// Person is who sits at this machine; nil is nobody known.
	Person func() approval.Person
	// Key seals tokens. It MUST be the same in all processes.
	Key func() [32]byte
	// Mask hides known secrets from everybody who is asked; nil knows none.
	Mask Mask
}

// Desk is where one process asks. It is safe for concurrent use.
type Desk struct {
	opt  Options
	lazy book.Lazy
}

// NewDesk returns a desk. Nothing is opened yet.
func NewDesk(o Options) *Desk { return &Desk{opt: o, lazy: book.Lazy{Open: o.Open}} }

// Book returns the book, which the first caller opens.
func (d *Desk) Book() (*book.Book, error) { return d.lazy.Book() }

// Close closes the book, if it was opened. Calls that are held afterwards are
// denied.
func (d *Desk) Close() error { return d.lazy.Close() }

// Consult says how a held call stands: see [book.Book.Consult].
func (d *Desk) Consult(ctx context.Context, r *approval.Request) (access.Approval, error) {
	b, err := d.Book()
	if err != nil {
		return access.Approval{}, err
	}
	return b.Consult(ctx, r)
}

// State returns how a request stands now.
func (d *Desk) State(ctx context.Context, id string) (access.ApprovalState, error) {
	n, err := book.ParseID(id)
	if err != nil {
		return "", err
	}
	b, err := d.Book()
	if err != nil {
		return "", err
	}
	return b.State(ctx, n)
}

// Answer counts one person's answer to a request and returns what it made of
// it. The errors are those of [book.Book.Answer].
func (d *Desk) Answer(ctx context.Context, id string, v approval.Vote) (book.Item, error) {
	n, err := book.ParseID(id)
	if err != nil {
		return book.Item{}, err
	}
	b, err := d.Book()
	if err != nil {
		return book.Item{}, err
	}
	return b.Answer(ctx, n, v, func(it *book.Item) error { return d.record(it, &v) })
}

// record makes an answer durable in the log.
func (d *Desk) record(it *book.Item, v *approval.Vote) error {
	r := &it.Request
	rec := audit.Record{
		Kind: audit.KindApproval, Method: r.Method, Backend: r.Backend, Subject: r.Subject, Agent: r.Agent, Client: r.Client,
		PolicyDigest: r.Policy, Isolation: d.opt.Isolation,
		Decision: access.Approve, Reason: access.ApprovalPending,
		Approval: &audit.Approval{ID: it.ID(), State: string(it.State), By: v.By, Channel: v.Channel, Assurance: v.Assurance},
	}
	switch it.State {
	case access.ApprovalAllowed:
		rec.Decision, rec.Reason = access.Allow, access.ApprovalGranted
	case access.ApprovalRefused:
		rec.Decision, rec.Reason = access.Deny, access.ApprovalDenied
	case access.ApprovalUsed: // a lease was asked for, and is made
		rec.Decision, rec.Reason = access.Allow, access.ApprovalGranted
	default: // a quorum is not complete
	}
	if len(r.Rules) > 0 && r.Holds() {
		rec.Rule, rec.Position = r.Rules[0].ID, r.Rules[0].Position
	}
	switch r.Kind {
	case access.Tool:
		rec.Tool = r.Name
	case access.Prompt:
		rec.Prompt = r.Name
	default: // a URI can hold a token; the id of the request leads to it
	}
	ticket := d.opt.Evidence.Append(rec)
	if err := ticket.Wait(); err != nil {
		return fmt.Errorf("the answer could not be recorded, and does not count: %w", err)
	}
	if it.Lease != nil {
		return d.leaseRecord(it.Lease, "granted", v.Answer, "")
	}
	return nil
}
