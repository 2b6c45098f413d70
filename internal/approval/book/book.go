// Package book keeps requests for approval and the answers to them, in the
// state.db that all processes of one state directory share.
//
// A guard consults the book about each held call: [Book.Consult] finds a grant
// and uses it up, finds a refusal that still stands, finds the request that is
// open already, or opens one. People answer through [Book.Answer]. Each of the
// two is one transaction, durable when it returns, so that of two processes
// with the same call one gets the grant, and a process that dies takes at most
// its own grant with it.
//
// What a call asks for is stored sealed under a key of the state directory, and
// removed a while after it was answered; everything else is digests and names.
package book

import (
	"cmp"
	"context"
	"crypto/cipher"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/statedb"
)

// Book is an open book. It is safe for concurrent use, by any number of
// processes.
type Book struct {
	db    *sql.DB
	clock approval.Clock
	seal  cipher.AEAD
	// maxOpen is how many requests of one principal may be open.
	maxOpen int
}

// Options say what a book works with.
type Options struct {
	// Path is that of state.db: see package state.
	Path string
	// Key seals what calls ask for. It MUST be the same in all processes.
	Key [32]byte
	// Clock tells the time; nil is that of the machine.
	Clock approval.Clock
	// MaxOpen is how many requests of one principal may be open at once; 0 is
	// [approval.MaxOpen].
	MaxOpen int
}

// Open opens the book and makes its tables.
func Open(o Options) (*Book, error) {
	aead, err := sealer(o.Key)
	if err != nil {
		return nil, err
	}
	db, err := statedb.Open(o.Path)
	if err != nil {
		return nil, err
	}
	if o.Clock == nil {
		o.Clock = approval.SystemClock()
	}
	b := &Book{db: db, clock: o.Clock, seal: aead, maxOpen: cmp.Or(o.MaxOpen, approval.MaxOpen)}
	if err := statedb.Ensure(context.Background(), db, "approval", steps()); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return b, nil
}

// Close closes the book.
func (b *Book) Close() error { return b.db.Close() }

func steps() []string {
	return []string{`
CREATE TABLE request (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	state      TEXT NOT NULL,
	binding    BLOB NOT NULL,
	call       BLOB NOT NULL,
	asked      BLOB NOT NULL,
	principal  TEXT NOT NULL,
	subject    TEXT NOT NULL,
	agent      TEXT NOT NULL,
	client     TEXT NOT NULL,
	root       TEXT NOT NULL,
	backend    TEXT NOT NULL,
	instance   TEXT NOT NULL,
	kind       INTEGER NOT NULL,
	method     TEXT NOT NULL,
	name       TEXT NOT NULL,
	definition BLOB NOT NULL,
	digest     BLOB NOT NULL,
	params     BLOB,
	policy     TEXT NOT NULL,
	rules      TEXT NOT NULL,
	opened     INTEGER NOT NULL,
	term_from  INTEGER NOT NULL,
	term_wall  INTEGER NOT NULL,
	term_since INTEGER NOT NULL,
	term_boot  TEXT NOT NULL,
	nonce      BLOB,
	holder     TEXT NOT NULL,
	successor  INTEGER
) STRICT;
CREATE INDEX request_binding ON request (binding, state);
CREATE INDEX request_call ON request (call, state);
CREATE INDEX request_asked ON request (asked, state);
CREATE INDEX request_state ON request (state, principal);
CREATE INDEX request_term ON request (term_wall);
CREATE TABLE vote (
	request   INTEGER NOT NULL REFERENCES request (id) ON DELETE CASCADE,
	by        TEXT NOT NULL,
	allow     INTEGER NOT NULL,
	channel   TEXT NOT NULL,
	assurance TEXT NOT NULL,
	groups    TEXT NOT NULL,
	at        INTEGER NOT NULL,
	PRIMARY KEY (request, by)
) STRICT;
`, codeSteps(), leaseSteps()}
}

// ErrNotFound says that there is no such request.
var ErrNotFound = errors.New("no such request")

// SettledError says that a request is no longer open.
type SettledError struct{ Item Item }

// Error names the state.
func (e *SettledError) Error() string {
	what := map[access.ApprovalState]string{
		access.ApprovalAllowed: "allowed already", access.ApprovalRefused: "denied already",
		access.ApprovalLapsed: "expired", access.ApprovalUsed: "allowed and used already",
		access.ApprovalSuperseded: "void: the policy, the tool's definition or the server changed since",
	}[e.Item.State]
	return fmt.Sprintf("%s is %s", e.Item.ID(), what)
}

// begin starts a transaction that writes, and returns the time in it.
func (b *Book) begin(ctx context.Context) (*sql.Tx, approval.Moment, error) {
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, approval.Moment{}, fmt.Errorf("state.db: %w", err)
	}
	return tx, b.clock(), nil // after the lock: waiting for it takes time
}

// commit makes what a transaction wrote durable.
func commit(tx *sql.Tx) error {
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("state.db: %w", err)
	}
	return nil
}

// holder says who works with the book, for people.
func holder() string { return fmt.Sprintf("pid %d", os.Getpid()) }

// kept is how long what was answered stays, without what was asked for: the
// log has the rest.
const kept = 7 * 24 * time.Hour
