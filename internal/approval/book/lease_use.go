package book

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/approval"
)

// Use lets a live lease answer a held call, and counts that. The lease counts
// from then on as used once more, whatever becomes of the call: it is durable
// before Use returns, and of many calls at once, in any number of processes, no
// more pass than the lease has uses left. Revocation is another transaction on
// the same row, so that no use follows it.
//
// The second result is false where no lease answers, and the call has to be
// asked about: there is none that covers it; a person refused this call within
// [approval.RefusalStands]; or a grant waits for exactly this call, which
// [Book.Consult] will use. ended are leases that turned out to be over, for the
// log.
func (b *Book) Use(ctx context.Context, c *approval.Call) (used Leased, ok bool, ended []Leased, err error) {
	const theirs = `state = 'live' AND glass = '' AND subject = ? AND backend = ? AND name = ? ORDER BY id`
	seen, err := b.leases(ctx, b.db, theirs, c.Subject, c.Backend, c.Name) // mostly there is none, and nobody waits
	if err != nil || len(seen) == 0 {
		return Leased{}, false, nil, err
	}
	tx, now, err := b.begin(ctx)
	if err != nil {
		return Leased{}, false, nil, err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	if found, err := b.settledAlready(ctx, tx, c.Request, now); err != nil || found {
		return Leased{}, false, nil, err
	}
	all, err := b.leases(ctx, tx, theirs, c.Subject, c.Backend, c.Name)
	if err != nil {
		return Leased{}, false, nil, err
	}
	for i := range all {
		l := &all[i]
		if over, err := b.over(ctx, tx, l, now); err != nil {
			return Leased{}, false, nil, err
		} else if over {
			ended = append(ended, *l)
			continue
		}
		if ok || !l.fits(c) || l.Lease.Answers(c.Rules, l.Term, l.Used, now) != nil {
			continue
		}
		if err := b.take(ctx, tx, l, c, now); err != nil {
			return Leased{}, false, nil, err
		}
		used, ok = *l, true
	}
	if err := b.answered(ctx, tx, c.Request, ok); err != nil {
		return Leased{}, false, nil, err
	}
	if err := commit(tx); err != nil {
		return Leased{}, false, nil, err
	}
	return used, ok, ended, nil
}

// settledAlready reports whether a person refused or granted exactly this call:
// their word goes before what a lease says of calls like it.
func (b *Book) settledAlready(ctx context.Context, tx *sql.Tx, r *approval.Request, now approval.Moment) (bool, error) {
	asked, binding := r.Asked(), r.Binding()
	items, err := b.items(ctx, tx, `asked = ? AND state = 'denied' OR binding = ? AND state = 'granted' ORDER BY id`, asked[:], binding[:])
	for i := range items {
		if items[i].Term.Live(now) {
			return true, err
		}
	}
	return false, err
}

// answered settles what people were asked about a call that a lease answered.
func (b *Book) answered(ctx context.Context, tx *sql.Tx, r *approval.Request, ok bool) error {
	if !ok {
		return nil
	}
	call := r.Call()
	if _, err := tx.ExecContext(ctx, `UPDATE request SET state = ? WHERE call = ? AND state = ?`, access.ApprovalSuperseded, call[:], access.ApprovalOpen); err != nil {
		return fmt.Errorf("state.db: %w", err)
	}
	return nil
}

// fits reports whether a lease is about a call, and bound to where it goes.
func (l *Leased) fits(c *approval.Call) bool {
	return l.Faulty == nil && l.Lease.Covers(c) &&
		(!l.Lease.Bound || l.Lease.Instance == c.Instance && l.Lease.Definition == c.Definition)
}

// over ends a lease whose time is over.
func (b *Book) over(ctx context.Context, tx *sql.Tx, l *Leased, now approval.Moment) (bool, error) {
	state := l.at(now)
	if l.Faulty != nil || state == l.State {
		return false, nil
	}
	l.State = state
	if _, err := tx.ExecContext(ctx, `UPDATE lease SET state = ? WHERE id = ?`, state, l.Number); err != nil {
		return false, fmt.Errorf("state.db: %w", err)
	}
	return true, nil
}

// take counts one use of a live lease. c is the call it answers, which binds it
// where nothing did yet; nil for a lease that answers none.
func (b *Book) take(ctx context.Context, tx *sql.Tx, l *Leased, c *approval.Call, now approval.Moment) error {
	l.Used++
	l.Last = now.Wall
	if l.Used >= l.Lease.Uses {
		l.State = approval.LeaseSpent
	}
	if l.Lease.Idle > 0 {
		l.idle = approval.NewTerm(now, time.Duration(l.Lease.Idle))
	}
	if c != nil {
		l.Lease.Bound, l.Lease.Instance, l.Lease.Definition = true, c.Instance, c.Definition
	}
	done, err := tx.ExecContext(ctx, `UPDATE lease SET state = ?, used = ?, last = ?, bound = ?, instance = ?, definition = ?,
		idle_from = ?, idle_wall = ?, idle_since = ?, idle_boot = ? WHERE id = ? AND state = 'live' AND used = ?`,
		l.State, l.Used, now.Wall.UnixMicro(), l.Lease.Bound, l.Lease.Instance, l.Lease.Definition[:],
		micro(l.idle.From.Wall), micro(l.idle.Until.Wall), int64(l.idle.Until.Since), l.idle.Until.Boot, l.Number, l.Used-1)
	if err != nil {
		return fmt.Errorf("state.db: %w", err)
	}
	if n, err := done.RowsAffected(); err != nil || n != 1 {
		return fmt.Errorf("state.db: %s changed meanwhile", l.ID())
	}
	return nil
}
