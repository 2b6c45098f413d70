package book

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/custos-zt/custos/internal/approval"
)

// A lease lies in one row: what was agreed on as one sealed text, and beside it
// what changes, and what leases are found by. The text is sealed for its row: a
// row that is copied to another number cannot be read.

func leaseSteps() string {
	return `
ALTER TABLE request ADD COLUMN act TEXT NOT NULL DEFAULT '';
ALTER TABLE vote ADD COLUMN standing BLOB;
CREATE TABLE lease (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	state      TEXT NOT NULL,
	subject    TEXT NOT NULL,
	backend    TEXT NOT NULL,
	name       TEXT NOT NULL,
	glass      TEXT NOT NULL,
	agreed     BLOB,
	bound      INTEGER NOT NULL,  -- whether it is bound yet
	instance   TEXT NOT NULL,     -- to this server
	definition BLOB NOT NULL,     -- and this definition of the tool
	used       INTEGER NOT NULL,
	last       INTEGER NOT NULL,  -- when it was used, 0 for never
	opened     INTEGER NOT NULL,
	term_from  INTEGER NOT NULL,
	term_wall  INTEGER NOT NULL,
	term_since INTEGER NOT NULL,
	term_boot  TEXT NOT NULL,
	idle_from  INTEGER NOT NULL,  -- 0: it does not end by lying idle
	idle_wall  INTEGER NOT NULL,
	idle_since INTEGER NOT NULL,
	idle_boot  TEXT NOT NULL,
	due        INTEGER NOT NULL,  -- when somebody has to look at it, 0 for never
	reviewed   INTEGER NOT NULL,
	reviewer   TEXT NOT NULL
) STRICT;
CREATE INDEX lease_state ON lease (state, subject, backend, name);
CREATE INDEX lease_due ON lease (due, reviewed);
`
}

// Leased is one lease and how it stands.
type Leased struct {
	Number int64
	Lease  approval.Lease
	State  approval.LeaseState
	// Used is how often it was, Last when; zero for never.
	Used   int
	Last   time.Time
	Opened time.Time
	Term   approval.Term
	// Due is when somebody has to look at what was done, zero for never.
	Due      time.Time
	Reviewed time.Time
	Reviewer string
	// Faulty says why Lease cannot be read; it answers nothing then.
	Faulty error

	idle approval.Term
}

// ID returns what people call the lease: "l_4".
func (l *Leased) ID() string { return FormatLease(l.Number) }

// Ends is when the lease ends by itself, if it is not used until then.
func (l *Leased) Ends() time.Time {
	if l.idles() && l.idle.Until.Wall.Before(l.Term.Until.Wall) {
		return l.idle.Until.Wall
	}
	return l.Term.Until.Wall
}

func (l *Leased) idles() bool { return !l.idle.Until.Wall.IsZero() }

// FormatLease returns the id of a lease by its number.
func FormatLease(n int64) string { return "l_" + strconv.FormatInt(n, 10) }

// ParseLease is the inverse of [FormatLease].
func ParseLease(id string) (int64, error) {
	digits, ok := strings.CutPrefix(id, "l_")
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || n <= 0 || FormatLease(n) != id {
		return 0, fmt.Errorf("%q is not the id of a lease, such as l_4", id)
	}
	return n, nil
}

// at is the state of a lease at a moment: one whose time is over does not count,
// whether or not somebody wrote that down.
func (l *Leased) at(m approval.Moment) approval.LeaseState {
	switch {
	case l.State != approval.LeaseLive:
		return l.State
	case l.Used >= l.Lease.Uses:
		return approval.LeaseSpent
	case !l.Term.Live(m):
		return approval.LeaseExpired
	case l.idles() && !l.idle.Live(m):
		return approval.LeaseIdle
	default:
		return approval.LeaseLive
	}
}

const leaseColumns = `id, state, agreed, bound, instance, definition, used, last, opened, term_from, term_wall, term_since, term_boot,
	idle_from, idle_wall, idle_since, idle_boot, due, reviewed, reviewer`

// leases reads leases by a condition on columns of the table.
func (b *Book) leases(ctx context.Context, q querier, where string, args ...any) ([]Leased, error) {
	return each(ctx, q, b.scanLease, `SELECT `+leaseColumns+` FROM lease WHERE `+where, args...)
}

func (b *Book) scanLease(rows *sql.Rows) (Leased, error) {
	var l Leased
	var agreed, definition []byte
	var instance string
	var bound bool
	var last, opened, from, wall, since, idleFrom, idleWall, idleSince, due, reviewed int64
	err := rows.Scan(&l.Number, &l.State, &agreed, &bound, &instance, &definition, &l.Used, &last, &opened, &from, &wall, &since, &l.Term.Until.Boot,
		&idleFrom, &idleWall, &idleSince, &l.idle.Until.Boot, &due, &reviewed, &l.Reviewer)
	if err != nil {
		return l, fmt.Errorf("state.db: %w", err)
	}
	l.Last, l.Opened, l.Due, l.Reviewed = instant(last), instant(opened), instant(due), instant(reviewed)
	l.Term.From.Wall, l.Term.Until.Wall, l.Term.Until.Since = instant(from), instant(wall), time.Duration(since)
	l.idle.From.Wall, l.idle.Until.Wall, l.idle.Until.Since = instant(idleFrom), instant(idleWall), time.Duration(idleSince)
	text, err := b.unsealed(agreed, leaseBinding(l.Number))
	if err == nil {
		err = json.Unmarshal([]byte(text), &l.Lease)
	}
	if err != nil {
		l.Faulty = errSealed
		return l, nil
	}
	l.Lease.Bound, l.Lease.Instance = bound, instance
	copy(l.Lease.Definition[:], definition)
	return l, nil
}

// instant reads a stored time; 0 is none.
func instant(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

func leaseBinding(n int64) [32]byte { return sha256.Sum256([]byte("lease\x00" + FormatLease(n))) }

// insertLease writes a new lease, and forgets those that are long over.
func (b *Book) insertLease(ctx context.Context, tx *sql.Tx, l *approval.Lease, now approval.Moment) (*Leased, error) {
	out := &Leased{Lease: *l, State: approval.LeaseLive, Opened: now.Wall, Term: approval.NewTerm(now, time.Duration(l.For))}
	if l.Review > 0 {
		out.Due = now.Wall.Add(time.Duration(l.Review))
	}
	if l.Idle > 0 {
		out.idle = approval.NewTerm(now, time.Duration(l.Idle))
	}
	done, err := tx.ExecContext(ctx, `INSERT INTO lease (state, subject, backend, name, glass, bound, instance, definition, used, last, opened,
		term_from, term_wall, term_since, term_boot, idle_from, idle_wall, idle_since, idle_boot, due, reviewed, reviewer)
		VALUES (?,?,?,?,?,?,?,?,0,0,?,?,?,?,?,?,?,?,?,?,0,'')`,
		out.State, l.Subject, l.Scope.Backend, l.Scope.Name, l.Glass, l.Bound, l.Instance, l.Definition[:], now.Wall.UnixMicro(),
		micro(out.Term.From.Wall), micro(out.Term.Until.Wall), int64(out.Term.Until.Since), out.Term.Until.Boot,
		micro(out.idle.From.Wall), micro(out.idle.Until.Wall), int64(out.idle.Until.Since), out.idle.Until.Boot, micro(out.Due))
	if err == nil {
		out.Number, err = done.LastInsertId()
	}
	if err != nil {
		return nil, fmt.Errorf("state.db: %w", err)
	}
	text, err := json.Marshal(l)
	if err != nil {
		return nil, err
	}
	agreed, err := b.sealed(string(text), leaseBinding(out.Number))
	if err != nil {
		return nil, err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE lease SET agreed = ? WHERE id = ?`, agreed, out.Number); err != nil {
		return nil, fmt.Errorf("state.db: %w", err)
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM lease WHERE state <> 'live' AND term_wall < ? AND (due = 0 OR reviewed > 0)`, now.Wall.Add(-kept).UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("state.db: %w", err)
	}
	return out, nil
}

// micro is the inverse of instant.
func micro(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}
