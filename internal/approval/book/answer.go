package book

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/approval"
)

// Answer counts one person's answer. record is called with the request as the
// answer leaves it, before that becomes so: what it cannot record does not
// count. The returned item is what the answer made of the request.
//
// A refusal refuses, whoever else allowed, as long as the grant was not used;
// it needs no assurance. An error of package approval says why an answer does
// not count; a [*SettledError], that the request is no longer open.
func (b *Book) Answer(ctx context.Context, number int64, v approval.Vote, record func(*Item) error) (Item, error) {
	tx, now, err := b.begin(ctx)
	if err != nil {
		return Item{}, err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	it, err := b.one(ctx, tx, number)
	if err != nil {
		return it, err
	}
	if !it.Term.Live(now) && (it.State == access.ApprovalOpen || it.State == access.ApprovalAllowed) {
		if err := setState(ctx, tx, &it, access.ApprovalLapsed); err != nil {
			return it, err
		}
		if err := commit(tx); err != nil {
			return it, err
		}
	}
	if it.State != access.ApprovalOpen && (v.Allow || it.State != access.ApprovalAllowed) {
		return it, &SettledError{it}
	}
	if it.Faulty != nil && v.Allow {
		return it, it.Faulty
	}
	if err := approval.Check(&it.Request, &v); err != nil {
		return it, err
	}
	v.At = now.Wall.UTC()
	if err := b.count(ctx, tx, &it, v, now); err != nil {
		return it, err
	}
	if err := record(&it); err != nil {
		return it, err
	}
	if err := commit(tx); err != nil {
		return it, err
	}
	return it, nil
}

// count adds a vote and what follows from it.
func (b *Book) count(ctx context.Context, tx *sql.Tx, it *Item, v approval.Vote, now approval.Moment) error {
	if err := b.addVote(ctx, tx, it, &v); err != nil {
		return err
	}
	switch {
	case !v.Allow:
		return b.conclude(ctx, tx, it, access.ApprovalRefused, approval.NewTerm(now, approval.RefusalStands))
	case !approval.Granted(&it.Request, it.Votes):
		return nil
	case it.Request.Act == approval.ActAsk:
		return b.conclude(ctx, tx, it, access.ApprovalAllowed, approval.NewTerm(now, it.Request.Valid()))
	case it.Request.Act != "":
		return b.perform(ctx, tx, it, now)
	default:
		if err := b.stand(ctx, tx, it, &v, now); err != nil {
			return err
		}
		return b.conclude(ctx, tx, it, access.ApprovalAllowed, approval.NewTerm(now, it.Request.Valid()))
	}
}

// conclude settles a request and begins the term of the answer.
func (b *Book) conclude(ctx context.Context, tx *sql.Tx, it *Item, to access.ApprovalState, t approval.Term) error {
	if err := setState(ctx, tx, it, to); err != nil {
		return err
	}
	it.Term = t
	_, err := tx.ExecContext(ctx, `UPDATE request SET term_from = ?, term_wall = ?, term_since = ?, term_boot = ? WHERE id = ?`,
		t.From.Wall.UnixMicro(), t.Until.Wall.UnixMicro(), int64(t.Until.Since), t.Until.Boot, it.Number)
	if err != nil {
		return fmt.Errorf("state.db: %w", err)
	}
	return nil
}
