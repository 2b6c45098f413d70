package ask

import (
	"context"
	"fmt"
	"strings"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/approval/book"
)

// Use lets a lease answer a held call: see [book.Book.Use]. It returns the id of
// the lease, "" where none does.
func (d *Desk) Use(ctx context.Context, c *approval.Call) (string, error) {
	if d.opt.Exists != nil && !d.opt.Exists() {
		return "", nil
	}
	b, err := d.Book()
	if err != nil {
		return "", err
	}
	l, ok, ended, err := b.Use(ctx, c)
	if err != nil {
		return "", err
	}
	d.ended(ended)
	if !ok {
		return "", nil
	}
	return l.ID(), nil
}

// Lifts returns which entries of `break_glass` a live lease opens for a subject.
// It only reads.
func (d *Desk) Lifts(ctx context.Context, subject, agent string, of []approval.Glass) ([]string, error) {
	if d.opt.Exists != nil && !d.opt.Exists() {
		return nil, nil
	}
	b, err := d.Book()
	if err != nil {
		return nil, err
	}
	return b.Lifts(ctx, subject, agent, of)
}

// Lift counts one use of a lease for each of these entries, and returns the ids,
// separated by commas; "" where one of them is not open.
func (d *Desk) Lift(ctx context.Context, subject, agent string, of []approval.Glass) (string, error) {
	b, err := d.Book()
	if err != nil {
		return "", err
	}
	d.sweep(ctx, b)
	used, err := b.Lift(ctx, subject, agent, of)
	if err != nil {
		return "", err
	}
	ids := make([]string, len(used))
	for i := range used {
		ids[i] = used[i].ID()
	}
	return strings.Join(ids, ","), nil
}

// sweep ends the leases whose time is over, and records that. Whether somebody
// wrote it down or not, they count no more, so that errors may wait.
func (d *Desk) sweep(ctx context.Context, b *book.Book) {
	if ended, err := b.Sweep(ctx); err == nil {
		d.ended(ended)
	}
}

// ended records leases that ended by themselves. Nothing depends on it.
func (d *Desk) ended(leases []book.Leased) {
	for i := range leases {
		d.append(&leases[i], string(leases[i].State), access.Answer{}, "")
	}
}

// leaseRecord makes a step of a lease durable in the log.
func (d *Desk) leaseRecord(l *book.Leased, state string, by access.Answer, note string) error {
	ticket := d.append(l, state, by, note)
	if err := ticket.Wait(); err != nil {
		return fmt.Errorf("it could not be recorded: %w", err)
	}
	return nil
}

func (d *Desk) append(l *book.Leased, state string, by access.Answer, note string) audit.Ticket {
	rec := audit.Record{
		Kind: audit.KindLease, Backend: l.Lease.Scope.Backend, Subject: l.Lease.Subject, Agent: l.Lease.Agent, Client: l.Lease.Client,
		Isolation: d.opt.Isolation, Detail: words(l, state, note), Notify: l.Lease.Notify,
		Approval: &audit.Approval{ID: l.Lease.Request, State: state, By: by.By, Channel: by.Channel, Assurance: by.Assurance},
	}
	if l.Number != 0 {
		rec.Lease = l.ID()
	}
	if len(l.Lease.Rules) > 0 {
		rec.Rule, rec.Position = l.Lease.Rules[0].ID, l.Lease.Rules[0].Position
	}
	switch l.Lease.Scope.Method {
	case "tools/call":
		rec.Tool = l.Lease.Scope.Name
	case "prompts/get":
		rec.Prompt = l.Lease.Scope.Name
	}
	return d.opt.Evidence.Append(rec)
}
