package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/index"
	"github.com/custos-zt/custos/internal/query"
	"github.com/custos-zt/custos/internal/term"
)

// indexName is the directory of the index in a state directory.
const indexName = "index"

// indexWait is how long a question waits for another process that updates the
// index, before it is answered with what there is.
const indexWait = 3 * time.Second

// openIndex returns the index beside a log, which MUST exist: reading makes no
// state directory.
func (a *app) openIndex(logDir string) (*index.Index, error) {
	if _, err := os.Stat(logDir); err != nil {
		return nil, &Error{Code: ExitCannotVerify, Text: plainError(err), Hint: "name the state directory: --state DIR", Err: err}
	}
	x, err := index.Open(filepath.Join(filepath.Dir(logDir), indexName), logDir)
	if err != nil {
		return nil, failure(err, "custos audit query --scan reads the log itself")
	}
	return x, nil
}

// freshIndex returns the index with everything that the log has by now.
func (a *app) freshIndex(ctx context.Context, logDir string) (*index.Index, error) {
	x, err := a.openIndex(logDir)
	if err != nil {
		return nil, err
	}
	r, err := x.Update(ctx, index.UpdateOptions{Wait: indexWait, Progress: a.progress("records indexed")})
	if err != nil {
		return nil, a.indexError(err)
	}
	if r.Busy {
		behind, err := x.Lag(ctx)
		if err != nil {
			return nil, a.indexError(err)
		}
		a.say("another process is writing the index, which is %d records behind the log", behind)
	}
	a.sayProblems(r)
	return x, nil
}

// sayProblems names the slots that the index could not read to their end.
func (a *app) sayProblems(r index.Report) {
	for _, err := range r.Problems {
		fmt.Fprintf(a.Err, "custos: error: %s\ncustos: hint: custos audit verify names the first bad record\n", term.Escape(err.Error()))
	}
}

func (a *app) indexError(err error) error {
	hint := "custos audit reindex builds the index anew"
	if errors.Is(err, fs.ErrPermission) {
		hint = "custos audit query --scan reads the log itself"
	}
	return failure(err, hint)
}

// ask asks the index, and once more after building it anew where it is damaged
// or says what the log does not.
func (a *app) ask(ctx context.Context, x *index.Index, question func() error) error {
	err := question()
	if err == nil || !errors.Is(err, index.ErrDisagrees) && !index.Unusable(err) {
		return err
	}
	a.say("the index is of no use and is built anew: %s", term.Escape(err.Error()))
	r, err := x.Rebuild(ctx, index.UpdateOptions{Progress: a.progress("records indexed")})
	if err != nil {
		return err
	}
	a.sayProblems(r)
	return question()
}

// search asks the index for entries.
func (a *app) search(ctx context.Context, x *index.Index, f *query.Filter, p index.Page) (found []query.Entry, err error) {
	err = a.ask(ctx, x, func() (err error) {
		found, err = x.Search(ctx, f, p)
		return err
	})
	switch {
	case errors.Is(err, audit.ErrNotFound):
		return nil, &Error{Code: ExitFailure, Text: err.Error(), Hint: "--before takes the id of the last line of the page before", Err: err}
	case errors.Is(err, audit.ErrTampered):
		return nil, unreadable(err)
	case err != nil:
		return nil, a.indexError(err)
	}
	return found, nil
}

// progress returns what shows a count on a terminal, once it takes longer than a
// second; nil where there is no terminal.
func (a *app) progress(what string) func(uint64) {
	f, ok := a.Err.(*os.File)
	if !ok || a.quiet || !term.IsTerminal(f) {
		return nil
	}
	began := time.Now()
	return func(n uint64) {
		if time.Since(began) > time.Second {
			fmt.Fprintf(f, "\rcustos: %d %s\x1b[K\r", n, what)
		}
	}
}
