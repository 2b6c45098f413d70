package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/custos-zt/custos/audit"
)

// Index is the index of one log. It holds no file open between calls, and any
// number of processes and goroutines may use one at once.
type Index struct {
	folder folder
	logDir string
}

// Open returns the index in a directory, which is made where it is missing; its
// parent MUST be closed to other users. Nothing is read yet: see [Index.Update].
func Open(dir, logDir string) (*Index, error) {
	f, err := makeFolder(dir)
	if err != nil {
		return nil, err
	}
	return &Index{folder: f, logDir: logDir}, nil
}

// UpdateOptions say how to update.
type UpdateOptions struct {
	// Wait is how long to wait for another process that updates.
	Wait time.Duration
	// Progress is called now and then with the number of records read.
	Progress func(records uint64)
}

// Report says what an update did.
type Report struct {
	// Records were read, Entries made of them.
	Records, Entries uint64
	// Rebuilt says that the index was built anew, and Why.
	Rebuilt bool
	Why     string
	// Busy says that another process was updating, and that nothing was done.
	Busy bool
	// Problems are slots that could not be read to their end: the index lacks
	// the rest of them.
	Problems []error
}

// Update reads what the log has that the index does not. An index that is
// missing, damaged or of another log is built. The error is about the index;
// what is wrong with the log stands in [Report].Problems.
func (x *Index) Update(ctx context.Context, o UpdateOptions) (Report, error) {
	wait, cancel := context.WithTimeout(ctx, max(o.Wait, lockPoll))
	defer cancel()
	unlock, err := x.folder.lock(wait)
	if errors.Is(err, ErrBusy) && ctx.Err() == nil {
		return Report{Busy: true}, nil
	}
	if err != nil {
		return Report{}, err
	}
	defer unlock()
	path, err := x.folder.current()
	if err != nil {
		return Report{}, err
	}
	if path == "" {
		return x.build(ctx, o, "there was none")
	}
	report, err := x.catchUp(ctx, path, o)
	if err != nil && unusable(err) {
		return x.build(ctx, o, err.Error())
	}
	return report, err
}

// Rebuild makes the index anew from the whole log. The old one serves until it
// is done.
func (x *Index) Rebuild(ctx context.Context, o UpdateOptions) (Report, error) {
	unlock, err := x.folder.lock(ctx)
	if err != nil {
		return Report{}, err
	}
	defer unlock()
	return x.build(ctx, o, "it was asked for")
}

// catchUp updates the database at path.
func (x *Index) catchUp(ctx context.Context, path string, o UpdateOptions) (Report, error) {
	db, err := connect(path, livePragmas)
	if err != nil {
		return Report{}, err
	}
	u := updater{logDir: x.logDir, db: db, opt: o}
	err = recognize(ctx, db)
	if err == nil {
		err = u.run(ctx)
	}
	return u.report, ended(ctx, errors.Join(err, db.Close()))
}

// build makes a new database and puts it in the place of the old one.
func (x *Index) build(ctx context.Context, o UpdateOptions, why string) (Report, error) {
	name := newName()
	if err := x.folder.makeFile(name); err != nil {
		return Report{}, err
	}
	report, err := x.fill(ctx, x.folder.path(name), o)
	report.Rebuilt, report.Why = true, why
	if err == nil {
		err = syncFile(x.folder.path(name))
	}
	if err == nil {
		err = x.folder.use(name)
	}
	if err != nil {
		return report, errors.Join(err, os.Remove(x.folder.path(name)))
	}
	return report, nil
}

func (x *Index) fill(ctx context.Context, path string, o UpdateOptions) (Report, error) {
	db, err := connect(path, buildPragmas)
	if err != nil {
		return Report{}, err
	}
	u := updater{logDir: x.logDir, db: db, opt: o}
	_, err = db.ExecContext(ctx, schema())
	if err == nil {
		err = u.run(ctx)
	}
	return u.report, ended(ctx, errors.Join(err, db.Close()))
}

// syncFile makes a file durable that was written without waiting for the disk.
func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("index: %w", err)
	}
	return errors.Join(f.Sync(), f.Close())
}

// view calls f with a consistent reading of the current database.
func (x *Index) view(ctx context.Context, f func(*sql.Tx) error) error {
	db, err := x.latest(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	return errors.Join(f(tx), tx.Rollback())
}

// latest opens the current database. Another process may put a new one in its
// place at any time; whoever has the old one open by then may go on with it.
func (x *Index) latest(ctx context.Context) (*sql.DB, error) {
	for {
		path, err := x.folder.current()
		if err != nil {
			return nil, err
		}
		if path == "" {
			return nil, fmt.Errorf("%w: there is none yet", errUnusable)
		}
		db, err := connect(path, livePragmas)
		if err != nil {
			return nil, err
		}
		if err = recognize(ctx, db); err == nil {
			return db, nil
		}
		err = errors.Join(err, db.Close())
		if now, _ := x.folder.current(); now == path {
			return nil, err
		}
	}
}

// ended prefers the end of the context to what it led to.
func ended(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// Unusable reports whether an error of a reading method says that the index has
// to be built anew, which [Index.Rebuild] does.
func Unusable(err error) bool { return unusable(err) }

// Lag returns how many records the log has that the index does not.
func (x *Index) Lag(ctx context.Context) (records uint64, err error) {
	end, err := audit.End(x.logDir)
	if err != nil {
		return 0, err
	}
	path, err := x.folder.current()
	if err != nil {
		return 0, err
	}
	at := map[int]*cursor{}
	if path != "" {
		err = x.view(ctx, func(tx *sql.Tx) (err error) {
			at, err = loadCursors(ctx, tx)
			return err
		})
	}
	for slot, seq := range end {
		if c := at[slot]; c == nil {
			records += seq
		} else if seq > c.seq {
			records += seq - c.seq
		}
	}
	return records, err
}
