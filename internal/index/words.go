package index

import (
	"context"
	"database/sql"
	"errors"
)

// words is the dictionary: every text once, as a number from 1. The number 0 is
// no text.
type words struct {
	known map[string]int64
	last  int64
	find  *sql.Stmt
	add   *sql.Stmt
}

// maxKnown bounds what is kept in memory: agents choose names, and there may be
// as many as calls.
const maxKnown = 100_000

// maxWord is the longest text that is kept whole. The log cuts texts too.
const maxWord = 4200

// load reads where the dictionary ends.
func (w *words) load(ctx context.Context, tx *sql.Tx) error {
	w.known = map[string]int64{}
	return tx.QueryRowContext(ctx, "SELECT ifnull(max(id), 0) FROM word").Scan(&w.last)
}

// prepare makes the dictionary ready for a transaction.
func (w *words) prepare(ctx context.Context, tx *sql.Tx) (err error) {
	if w.find, err = tx.PrepareContext(ctx, "SELECT id FROM word WHERE text = ?"); err != nil {
		return err
	}
	w.add, err = tx.PrepareContext(ctx, "INSERT INTO word (id, text) VALUES (?, ?)")
	return err
}

// id returns the number of a text, which may be new.
func (w *words) id(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	if id, ok := w.known[s]; ok {
		return id, nil
	}
	s = string([]byte(s[:min(len(s), maxWord)])) // not a piece of a whole line
	if len(w.known) >= maxKnown {
		clear(w.known)
	}
	var id int64
	err := w.find.QueryRow(s).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		id = w.last + 1
		_, err = w.add.Exec(id, s)
	}
	if err != nil {
		return 0, err
	}
	w.last = max(w.last, id)
	w.known[s] = id
	return id, nil
}
