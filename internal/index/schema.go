package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"

	"modernc.org/sqlite"
	sqlitecodes "modernc.org/sqlite/lib"
)

// schemaVersion changes with everything that would make an older index answer
// differently. An index of another version is built anew.
const schemaVersion = 4

// applicationID marks the file as one of ours: "CUIX".
const applicationID = 0x43554958

// schema makes an empty index. Texts are numbers: see the table word.
func schema() string {
	return fmt.Sprintf(`
PRAGMA application_id = %d;
PRAGMA user_version = %d;
CREATE TABLE cursor (
  slot INTEGER PRIMARY KEY, -- how far this slot was read
  seq INTEGER NOT NULL,
  hash BLOB NOT NULL,       -- SHA-256 of that record as stored
  segment INTEGER NOT NULL, offset INTEGER NOT NULL,
  oldest INTEGER NOT NULL   -- the oldest record that entries still name
);
CREATE TABLE word (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE title (tool INTEGER, title INTEGER, PRIMARY KEY (tool, title)) WITHOUT ROWID; -- title is backend.tool
CREATE TABLE entry (
  n INTEGER PRIMARY KEY,    -- in the order of reading, from 1
  time INTEGER NOT NULL,    -- microseconds since 1970
  slot INTEGER NOT NULL, seq INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  title INTEGER NOT NULL,   -- backend.tool
  decision INTEGER NOT NULL, reason INTEGER NOT NULL, rule INTEGER NOT NULL,
  policy INTEGER NOT NULL, subject INTEGER NOT NULL, agent INTEGER NOT NULL,
  session INTEGER NOT NULL, approver INTEGER NOT NULL,
  paths BLOB, hosts BLOB, args BLOB, -- digests of judged values, six bytes each
  outcome INTEGER,          -- seq of the outcome, in the same slot
  ended INTEGER,            -- its kind
  labels BLOB               -- its labels: words, four bytes each
);
CREATE TABLE block (block INTEGER PRIMARY KEY, reach INTEGER NOT NULL); -- latest time up to its end
CREATE TABLE posting (
  term INTEGER,
  chunk INTEGER,            -- 64 blocks
  blocks INTEGER NOT NULL,  -- in which of them the term occurs, a bit each
  PRIMARY KEY (term, chunk)
) WITHOUT ROWID;
CREATE TABLE place (
  slot INTEGER, seq INTEGER, segment INTEGER NOT NULL, offset INTEGER NOT NULL,
  PRIMARY KEY (slot, seq)
) WITHOUT ROWID;
CREATE TABLE open (        -- calls whose outcome was not read yet
  slot INTEGER, seq INTEGER, n INTEGER NOT NULL, backend INTEGER NOT NULL, tool INTEGER NOT NULL,
  title INTEGER NOT NULL, subject INTEGER NOT NULL,
  PRIMARY KEY (slot, seq)
) WITHOUT ROWID;
CREATE TABLE first (term INTEGER PRIMARY KEY, n INTEGER NOT NULL, time INTEGER NOT NULL);
CREATE TABLE hour_record (hour INTEGER, kind INTEGER, records INTEGER NOT NULL, PRIMARY KEY (hour, kind)) WITHOUT ROWID;
CREATE TABLE hour_decision (
  hour INTEGER, backend INTEGER, tool INTEGER, decision INTEGER, reason INTEGER, calls INTEGER NOT NULL,
  PRIMARY KEY (hour, backend, tool, decision, reason)
) WITHOUT ROWID;
CREATE TABLE hour_outcome (
  hour INTEGER, backend INTEGER, tool INTEGER, status INTEGER, bucket INTEGER,
  calls INTEGER NOT NULL, bytes INTEGER NOT NULL, duration_us INTEGER NOT NULL, longest_us INTEGER NOT NULL,
  PRIMARY KEY (hour, backend, tool, status, bucket)
) WITHOUT ROWID;
CREATE TABLE disorder (us INTEGER NOT NULL); -- how far an entry lies behind the reach before it
INSERT INTO disorder VALUES (0);
`, applicationID, schemaVersion)
}

// Pragmas of a database that is read and updated, and of one that is being
// built: nobody reads that one, and after a crash it is thrown away.
const (
	livePragmas  = "mode=rw&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=cache_size(-16000)&_txlock=immediate"
	buildPragmas = "mode=rw&_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)&_pragma=locking_mode(EXCLUSIVE)&_pragma=cache_size(-262144)&_txlock=exclusive"
)

// connect opens the database file at path, which MUST exist. One connection
// serves it: an index is asked one question at a time.
func connect(path, pragmas string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: url.PathEscape(path), RawQuery: pragmas}).String())
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// recognize reports whether a database is an index of this version.
func recognize(ctx context.Context, db *sql.DB) error {
	var app, version int
	if err := db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&app); err != nil {
		return err
	}
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if app != applicationID || version != schemaVersion {
		return fmt.Errorf("%w: it is of another version", errUnusable)
	}
	return nil
}

// errUnusable marks an index that has to be built anew.
var errUnusable = errors.New("index: cannot be used")

// unusable reports whether an error says that the database is damaged, and not
// that something around it went wrong.
func unusable(err error) bool {
	if errors.Is(err, errUnusable) || errors.Is(err, sql.ErrNoRows) {
		return true
	}
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code() & 0xff {
	case sqlitecodes.SQLITE_CORRUPT, sqlitecodes.SQLITE_NOTADB, sqlitecodes.SQLITE_ERROR, sqlitecodes.SQLITE_MISMATCH, sqlitecodes.SQLITE_CONSTRAINT, sqlitecodes.SQLITE_FORMAT:
		return true
	}
	return false
}
