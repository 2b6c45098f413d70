package index

import (
	"context"
	"database/sql"
	"strings"
)

// inserter adds rows to one table, many with one statement.
type inserter struct {
	cols int
	many *sql.Stmt
	one  *sql.Stmt
	args []any
}

// rowsAtOnce is how many rows one statement adds. More gains little.
const rowsAtOnce = 32

// newInserter prepares an INSERT of this form, which lacks its VALUES; tail may
// say what to do where the row is there already.
func newInserter(ctx context.Context, tx *sql.Tx, into string, cols int, tail string) (*inserter, error) {
	row := "(" + strings.Repeat("?,", cols-1) + "?)"
	many, err := tx.PrepareContext(ctx, into+" VALUES "+strings.Repeat(row+",", rowsAtOnce-1)+row+tail)
	if err != nil {
		return nil, err
	}
	one, err := tx.PrepareContext(ctx, into+" VALUES "+row+tail)
	return &inserter{cols: cols, many: many, one: one, args: make([]any, 0, cols*rowsAtOnce)}, err
}

// add adds a row, now or later.
func (s *inserter) add(row ...any) error {
	s.args = append(s.args, row...)
	if len(s.args) < s.cols*rowsAtOnce {
		return nil
	}
	_, err := s.many.Exec(s.args...)
	s.args = s.args[:0]
	return err
}

// flush adds the rows that wait.
func (s *inserter) flush() error {
	for at := 0; at < len(s.args); at += s.cols {
		if _, err := s.one.Exec(s.args[at : at+s.cols]...); err != nil {
			return err
		}
	}
	s.args = s.args[:0]
	return nil
}
