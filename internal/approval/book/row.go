package book

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/approval"
)

// Item is one request with its answers.
type Item struct {
	Number  int64
	Request approval.Request
	State   access.ApprovalState
	Opened  time.Time
	Term    approval.Term
	Votes   []approval.Vote
	// Holder is the process that opened it.
	Holder string
	// Successor is the request that took its place, 0 for none.
	Successor int64
	// Lease is what an answer that was just counted opened; nil for nothing.
	Lease *Leased
	// Faulty says why Request.Params cannot be shown, nil where they can.
	Faulty error
}

// ID returns what people call the request: "a_91".
func (it *Item) ID() string { return FormatID(it.Number) }

// FormatID returns the id of a request by its number.
func FormatID(n int64) string { return "a_" + strconv.FormatInt(n, 10) }

// ParseID is the inverse of [FormatID].
func ParseID(id string) (int64, error) {
	digits, ok := strings.CutPrefix(id, "a_")
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || n <= 0 || FormatID(n) != id {
		return 0, fmt.Errorf("%q is not the id of a request, such as a_91", id)
	}
	return n, nil
}

// Approval returns what a decision says of the request.
func (it *Item) Approval() access.Approval {
	a := access.Approval{
		ID: it.ID(), State: it.State, Rules: approval.RuleIDs(it.Request.Rules),
		Expires: it.Term.Until.Wall, Valid: it.Request.Valid(),
	}
	for i := range it.Votes {
		a.Answers = append(a.Answers, it.Votes[i].Answer)
	}
	return a
}

const columns = `id, state, binding, subject, agent, client, root, backend, instance, kind, method, name,
	definition, digest, params, policy, rules, opened, term_from, term_wall, term_since, term_boot, holder, coalesce(successor, 0), act`

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// each reads what a query finds.
func each[T any](ctx context.Context, q querier, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("state.db: %w", err)
	}
	var out []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		out = append(out, one)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("state.db: %w", err)
	}
	return out, nil
}

// items reads requests by a condition on columns of the table.
func (b *Book) items(ctx context.Context, q querier, where string, args ...any) ([]Item, error) {
	out, err := each(ctx, q, b.scan, `SELECT `+columns+` FROM request WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	for i := range out { // after the rows are closed: there is one connection
		if err := b.votes(ctx, q, &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (b *Book) scan(rows *sql.Rows) (Item, error) {
	var it Item
	var binding, definition, digest, params []byte
	var rules string
	var opened, from, wall, since int64
	r := &it.Request
	err := rows.Scan(&it.Number, &it.State, &binding, &r.Subject, &r.Agent, &r.Client, &r.Root, &r.Backend, &r.Instance,
		&r.Kind, &r.Method, &r.Name, &definition, &digest, &params, &r.Policy, &rules, &opened,
		&from, &wall, &since, &it.Term.Until.Boot, &it.Holder, &it.Successor, &r.Act)
	if err == nil {
		err = json.Unmarshal([]byte(rules), &r.Rules)
	}
	if err != nil {
		return it, fmt.Errorf("state.db: %w", err)
	}
	copy(r.Definition[:], definition)
	copy(r.Digest[:], digest)
	it.Opened = time.UnixMicro(opened)
	it.Term.From.Wall, it.Term.Until.Wall = time.UnixMicro(from), time.UnixMicro(wall)
	it.Term.Until.Since = time.Duration(since)
	if r.Binding() != [32]byte(binding) {
		it.Faulty = errSealed // a column was changed by hand
		return it, nil
	}
	if len(params) > 0 {
		text, err := b.unsealed(params, r.Binding())
		if err == nil {
			err = unpack(text, r)
		}
		it.Faulty = err
	}
	return it, nil
}

// setState writes another state.
func setState(ctx context.Context, tx *sql.Tx, it *Item, to access.ApprovalState) error {
	done, err := tx.ExecContext(ctx, `UPDATE request SET state = ? WHERE id = ? AND state = ?`, to, it.Number, it.State)
	if err != nil {
		return fmt.Errorf("state.db: %w", err)
	}
	if n, err := done.RowsAffected(); err != nil || n != 1 {
		return fmt.Errorf("state.db: %s changed meanwhile", it.ID())
	}
	it.State = to
	return nil
}
