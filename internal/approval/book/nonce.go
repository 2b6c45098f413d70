package book

import (
	"context"
	"errors"
	"fmt"

	"github.com/custos-zt/custos/access"
)

// ErrNonce says that a token was used before, replaced by another one, or is of
// a request that is no longer open.
var ErrNonce = errors.New("the question was answered already, or another one took its place")

// SetNonce ties a question that leaves this process to its request: the next
// [Book.TakeNonce] with this nonce succeeds once, earlier ones no more.
func (b *Book) SetNonce(ctx context.Context, number int64, nonce []byte) error {
	done, err := b.db.ExecContext(ctx, `UPDATE request SET nonce = ? WHERE id = ? AND state = ?`, nonce, number, access.ApprovalOpen)
	if err != nil {
		return fmt.Errorf("state.db: %w", err)
	}
	if n, err := done.RowsAffected(); err != nil || n != 1 {
		return ErrNonce
	}
	return nil
}

// TakeNonce consumes a nonce and returns its request as it stands. The answer
// to a question counts at most once, in all processes together.
func (b *Book) TakeNonce(ctx context.Context, number int64, nonce []byte) (Item, error) {
	tx, _, err := b.begin(ctx)
	if err != nil {
		return Item{}, err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	done, err := tx.ExecContext(ctx, `UPDATE request SET nonce = NULL WHERE id = ? AND nonce = ?`, number, nonce)
	if err != nil {
		return Item{}, fmt.Errorf("state.db: %w", err)
	}
	if n, err := done.RowsAffected(); err != nil || n != 1 {
		return Item{}, ErrNonce
	}
	it, err := b.one(ctx, tx, number)
	if err != nil {
		return it, err
	}
	if err := commit(tx); err != nil {
		return it, err
	}
	return it, nil
}
