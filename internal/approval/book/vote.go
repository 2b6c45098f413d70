package book

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/custos-zt/custos/internal/approval"
)

// votes reads the answers to a request. What an answer shall stand for is
// sealed like the call, whose values it repeats; where it cannot be read, the
// answer counts for the call alone.
func (b *Book) votes(ctx context.Context, q querier, it *Item) error {
	rows, err := q.QueryContext(ctx, `SELECT by, allow, channel, assurance, groups, at, standing FROM vote WHERE request = ? ORDER BY at, by`, it.Number)
	if err != nil {
		return fmt.Errorf("state.db: %w", err)
	}
	defer rows.Close()
	it.Votes = nil
	for rows.Next() {
		var v approval.Vote
		var groups string
		var at int64
		var standing []byte
		if err := rows.Scan(&v.By, &v.Allow, &v.Channel, &v.Assurance, &groups, &at, &standing); err != nil {
			return fmt.Errorf("state.db: %w", err)
		}
		v.At = time.UnixMicro(at).UTC()
		if err := json.Unmarshal([]byte(groups), &v.Groups); err != nil {
			return fmt.Errorf("state.db: %w", err)
		}
		if text, err := b.unsealed(standing, it.Request.Binding()); err == nil {
			v.Standing = new(approval.Terms)
			if json.Unmarshal([]byte(text), v.Standing) != nil {
				v.Standing = nil
			}
		}
		it.Votes = append(it.Votes, v)
	}
	return rows.Err()
}

// addVote writes an answer; a person's later one replaces an earlier one.
func (b *Book) addVote(ctx context.Context, tx *sql.Tx, it *Item, v *approval.Vote) error {
	if v.Groups == nil {
		v.Groups = []string{}
	}
	groups, err := json.Marshal(v.Groups)
	if err != nil {
		return err
	}
	var standing []byte
	if v.Standing != nil {
		text, err := json.Marshal(v.Standing)
		if err != nil {
			return err
		}
		if standing, err = b.sealed(string(text), it.Request.Binding()); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, `INSERT OR REPLACE INTO vote (request, by, allow, channel, assurance, groups, at, standing) VALUES (?,?,?,?,?,?,?,?)`,
		it.Number, v.By, v.Allow, v.Channel, v.Assurance, string(groups), v.At.UnixMicro(), standing)
	if err != nil {
		return fmt.Errorf("state.db: %w", err)
	}
	return b.votes(ctx, tx, it)
}
