package book

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/custos-zt/custos/internal/approval"
)

// ErrNoLease says that there is no such lease.
var ErrNoLease = errors.New("no such lease")

// ErrOver says that a lease counts no more.
var ErrOver = errors.New("the lease is over")

// ErrCounts says that a lease still counts.
var ErrCounts = errors.New("the lease still counts: revoke it, or wait until it is over")

// Leases returns the leases that count now, or all that are remembered, newest
// first. It only reads.
func (b *Book) Leases(ctx context.Context, all bool) ([]Leased, error) {
	where := `state = 'live' ORDER BY id DESC`
	if all {
		where = `TRUE ORDER BY id DESC`
	}
	list, err := b.leases(ctx, b.db, where)
	b.asOfNow(list...)
	if !all {
		list = slices.DeleteFunc(list, func(l Leased) bool { return l.State != approval.LeaseLive })
	}
	return list, err
}

// Lease returns one lease as it stands now.
func (b *Book) Lease(ctx context.Context, number int64) (Leased, error) {
	l, err := b.lease(ctx, b.db, number)
	if err != nil {
		return l, err
	}
	return b.asOfNow(l)[0], nil
}

// asOfNow gives leases the state that they have by now, whatever was stored last,
// and returns them.
func (b *Book) asOfNow(list ...Leased) []Leased {
	now := b.clock()
	for i := range list {
		if list[i].Faulty == nil {
			list[i].State = list[i].at(now)
		}
	}
	return list
}

func (b *Book) lease(ctx context.Context, q querier, number int64) (Leased, error) {
	list, err := b.leases(ctx, q, `id = ?`, number)
	switch {
	case err != nil:
		return Leased{}, err
	case len(list) == 0:
		return Leased{}, fmt.Errorf("%w: %s", ErrNoLease, FormatLease(number))
	}
	return list[0], nil
}

// Revoke ends a lease. No use of it follows, in any process. A lease that is over
// already is returned with [ErrOver].
func (b *Book) Revoke(ctx context.Context, number int64) (Leased, error) {
	tx, now, err := b.begin(ctx)
	if err != nil {
		return Leased{}, err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	l, err := b.lease(ctx, tx, number)
	if err != nil {
		return l, err
	}
	if l.Faulty == nil && l.at(now) != approval.LeaseLive || l.State != approval.LeaseLive {
		l.State = l.at(now)
		return l, fmt.Errorf("%w: %s is %s", ErrOver, l.ID(), l.State)
	}
	l.State = approval.LeaseRevoked
	if _, err := tx.ExecContext(ctx, `UPDATE lease SET state = ? WHERE id = ?`, l.State, number); err != nil {
		return l, fmt.Errorf("state.db: %w", err)
	}
	if err := commit(tx); err != nil {
		return l, err
	}
	return l, nil
}

// Sweep ends the leases whose time is over and returns them, for the log.
func (b *Book) Sweep(ctx context.Context) ([]Leased, error) {
	live, err := b.leases(ctx, b.db, `state = 'live'`)
	now := b.clock()
	if err != nil || !slices.ContainsFunc(live, func(l Leased) bool { return l.Faulty == nil && l.at(now) != approval.LeaseLive }) {
		return nil, err
	}
	tx, now, err := b.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	if live, err = b.leases(ctx, tx, `state = 'live' ORDER BY id`); err != nil {
		return nil, err
	}
	var ended []Leased
	for i := range live {
		over, err := b.over(ctx, tx, &live[i], now)
		if err != nil {
			return nil, err
		}
		if over {
			ended = append(ended, live[i])
		}
	}
	if err := commit(tx); err != nil {
		return nil, err
	}
	return ended, nil
}

// Due returns the leases that somebody has to look at and nobody did yet, those
// that are due first.
func (b *Book) Due(ctx context.Context) ([]Leased, error) {
	list, err := b.leases(ctx, b.db, `due > 0 AND reviewed = 0 ORDER BY due`)
	b.asOfNow(list...)
	return list, err
}

// Review notes that somebody looked at what was done under a lease. It MUST be
// over. record makes that durable in the log before it counts.
func (b *Book) Review(ctx context.Context, number int64, by string, record func(*Leased) error) (Leased, error) {
	tx, now, err := b.begin(ctx)
	if err != nil {
		return Leased{}, err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	l, err := b.lease(ctx, tx, number)
	if err != nil {
		return l, err
	}
	if l.Faulty == nil && l.at(now) == approval.LeaseLive {
		return l, fmt.Errorf("%w (%s)", ErrCounts, l.ID())
	}
	l.Reviewed, l.Reviewer = now.Wall.UTC(), by
	if _, err := tx.ExecContext(ctx, `UPDATE lease SET reviewed = ?, reviewer = ? WHERE id = ?`, now.Wall.UnixMicro(), by, number); err != nil {
		return l, fmt.Errorf("state.db: %w", err)
	}
	if err := record(&l); err != nil {
		return l, err
	}
	if err := commit(tx); err != nil {
		return l, err
	}
	return l, nil
}

// Lifts returns which of these entries a live lease opens for a subject, without
// counting a use.
func (b *Book) Lifts(ctx context.Context, subject, agent string, of []approval.Glass) ([]string, error) {
	list, err := b.leases(ctx, b.db, `state = 'live' AND subject = ? AND backend = '' AND name = '' AND glass <> ''`, subject)
	now := b.clock()
	var out []string
	for i := range list {
		l := &list[i]
		for _, g := range of {
			if l.opens(g, agent, now) && !slices.Contains(out, g.Name) {
				out = append(out, g.Name)
			}
		}
	}
	return out, err
}

// opens reports whether a lease opens an entry now.
func (l *Leased) opens(g approval.Glass, agent string, now approval.Moment) bool {
	return l.Faulty == nil && l.Lease.Glass == g.Name && l.Lease.Agent == agent && l.at(now) == approval.LeaseLive &&
		l.Lease.Answers([]approval.Rule{g.Rule}, l.Term, l.Used, now) == nil
}

// Lift counts one use of a lease for each of these entries: of all or, where one
// is not open, of none, and then it returns none.
func (b *Book) Lift(ctx context.Context, subject, agent string, of []approval.Glass) ([]Leased, error) {
	tx, now, err := b.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	list, err := b.leases(ctx, tx, `state = 'live' AND subject = ? AND backend = '' AND name = '' AND glass <> '' ORDER BY id`, subject)
	if err != nil {
		return nil, err
	}
	var used []Leased
	for _, g := range of {
		at := slices.IndexFunc(list, func(l Leased) bool { return l.opens(g, agent, now) })
		if at < 0 {
			return nil, nil // and nothing was written
		}
		if err := b.take(ctx, tx, &list[at], nil, now); err != nil {
			return nil, err
		}
		used = append(used, list[at])
	}
	return used, commit(tx)
}
