package book

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/approval"
)

// State returns how a request stands now. It only reads.
func (b *Book) State(ctx context.Context, number int64) (access.ApprovalState, error) {
	var state access.ApprovalState
	var t approval.Term
	var from, wall, since int64
	err := b.db.QueryRowContext(ctx, `SELECT state, term_from, term_wall, term_since, term_boot FROM request WHERE id = ?`, number).
		Scan(&state, &from, &wall, &since, &t.Until.Boot)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "", ErrNotFound
	case err != nil:
		return "", fmt.Errorf("state.db: %w", err)
	}
	t.From.Wall, t.Until.Wall, t.Until.Since = time.UnixMicro(from), time.UnixMicro(wall), time.Duration(since)
	return now(state, t, b.clock()), nil
}

// now is the state of a request whose term may be over.
func now(state access.ApprovalState, t approval.Term, at approval.Moment) access.ApprovalState {
	if (state == access.ApprovalOpen || state == access.ApprovalAllowed) && !t.Live(at) {
		return access.ApprovalLapsed
	}
	return state
}

// Get returns one request as it stands now.
func (b *Book) Get(ctx context.Context, number int64) (Item, error) {
	it, err := b.one(ctx, b.db, number)
	it.State = now(it.State, it.Term, b.clock())
	return it, err
}

func (b *Book) one(ctx context.Context, q querier, number int64) (Item, error) {
	items, err := b.items(ctx, q, `id = ?`, number)
	if err != nil {
		return Item{}, err
	}
	if len(items) == 0 {
		return Item{}, fmt.Errorf("%w: %s", ErrNotFound, FormatID(number))
	}
	return items[0], nil
}

// Open returns the requests that wait for an answer, oldest first.
func (b *Book) Open(ctx context.Context) ([]Item, error) {
	return b.live(ctx, `state = 'pending' ORDER BY id`)
}

// Recent returns the newest requests, whatever became of them, newest first.
func (b *Book) Recent(ctx context.Context, n int) ([]Item, error) {
	items, err := b.items(ctx, b.db, `TRUE ORDER BY id DESC LIMIT ?`, n)
	at := b.clock()
	for i := range items {
		items[i].State = now(items[i].State, items[i].Term, at)
	}
	return items, err
}

// live returns requests whose term still runs.
func (b *Book) live(ctx context.Context, where string, args ...any) ([]Item, error) {
	items, err := b.items(ctx, b.db, where, args...)
	at := b.clock()
	out := items[:0]
	for _, it := range items {
		if it.Term.Live(at) {
			out = append(out, it)
		}
	}
	return out, err
}

// Last returns the newest call to the same thing that was allowed and made
// before this one, for people to compare with.
func (b *Book) Last(ctx context.Context, it *Item) (Item, bool, error) {
	items, err := b.items(ctx, b.db, `state = 'used' AND act = ? AND backend = ? AND kind = ? AND name = ? AND id < ? ORDER BY id DESC LIMIT 1`,
		it.Request.Act, it.Request.Backend, it.Request.Kind, it.Request.Name, it.Number)
	if err != nil || len(items) == 0 || items[0].Faulty != nil {
		return Item{}, false, err
	}
	return items[0], true, nil
}

// Calls returns the newest held calls but one, whatever became of them.
func (b *Book) Calls(ctx context.Context, but int64, n int) ([]Item, error) {
	return b.items(ctx, b.db, `act = '' AND id <> ? ORDER BY id DESC LIMIT ?`, but, n)
}
