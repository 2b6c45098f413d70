// Package statedb opens state.db, the SQLite file of a state directory: what
// the processes that share the directory must agree on at once, such as which
// grant was used.
//
// Nothing on the way of an ordinary call touches it. It is opened by whoever
// first needs it, never at the start of a guard.
//
// The journal is a write-ahead log, so that readers wait for nobody, and every
// commit is synced: what was used up stays so after a power cut. The parts of
// Custos that keep tables here bring them along: see [Ensure].
package statedb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"

	_ "modernc.org/sqlite" // the driver
)

// patience is how long a process waits for another one's commit, in ms.
const patience = "5000"

// Open opens the file at path, which MUST exist and be private: package state
// sees to that. The handle is for any number of goroutines and MUST be closed.
func Open(path string) (*sql.DB, error) {
	q := url.Values{"_txlock": {"immediate"}}
	for _, pragma := range []string{"busy_timeout(" + patience + ")", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)"} {
		q.Add("_pragma", pragma)
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("state.db: %w", err)
	}
	// One connection: within a process there is nothing to gain from several,
	// and nobody has to wait by sleeping.
	db.SetMaxOpenConns(1)
	if err := db.Ping(); err != nil {
		return nil, errors.Join(fmt.Errorf("state.db: %w", err), db.Close())
	}
	return db, nil
}

// ErrNewer says that a newer version of Custos wrote a part of the file.
var ErrNewer = errors.New("state.db was written by a newer version of Custos")

// Ensure brings one part's tables up to date: steps[n] leads from version n to
// n+1. A step that was released MUST NOT change. Any number of processes may
// call it at once.
func Ensure(ctx context.Context, db *sql.DB, part string, steps []string) error {
	if have, err := version(ctx, db, part); err == nil && have == len(steps) {
		return nil // mostly; without waiting for a writer
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("state.db: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	if _, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS parts (name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT`); err != nil {
		return fmt.Errorf("state.db: %w", err)
	}
	have, err := version(ctx, tx, part)
	switch {
	case err != nil:
		return err
	case have > len(steps):
		return fmt.Errorf("%w (%s is at %d, this version knows %d)", ErrNewer, part, have, len(steps))
	}
	for _, step := range steps[have:] {
		if _, err := tx.ExecContext(ctx, step); err != nil {
			return fmt.Errorf("state.db: %s: %w", part, err)
		}
	}
	if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO parts VALUES (?, ?)`, part, len(steps)); err != nil {
		return fmt.Errorf("state.db: %w", err)
	}
	return tx.Commit()
}

// querier is a database or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func version(ctx context.Context, q querier, part string) (int, error) {
	var v int
	err := q.QueryRowContext(ctx, `SELECT version FROM parts WHERE name = ?`, part).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return v, err
}
