package index

import (
	"context"
	"database/sql"
	"slices"
)

// blocks is a sorted list of block numbers that is read backwards.
type blocks interface {
	// next returns the largest block up to limit, -1 where there is none. limit
	// never grows from call to call.
	next(limit int64) (int64, error)
}

// chunk is how many postings are read at once: few at first, because a list
// that is only probed needs one.
const (
	firstChunk = 8
	lastChunk  = 1024
)

// list is the postings of one term.
type list struct {
	ctx  context.Context
	read *sql.Stmt // term, limit, count
	term term
	lo   int64
	buf  []int64 // descending
	size int
	end  bool // there is nothing behind buf
}

func (l *list) next(limit int64) (int64, error) {
	for {
		for len(l.buf) > 0 && l.buf[0] > limit {
			i, _ := slices.BinarySearchFunc(l.buf, limit, func(b, limit int64) int { return int(max(-1, min(1, limit-b))) })
			l.buf = l.buf[i:]
		}
		if len(l.buf) > 0 {
			return l.buf[0], nil
		}
		if l.end || limit < l.lo {
			return -1, nil
		}
		if err := l.fill(limit); err != nil {
			return -1, err
		}
	}
}

// fill reads the next postings.
func (l *list) fill(limit int64) error {
	l.size = min(max(2*l.size, firstChunk), lastChunk)
	rows, err := l.read.QueryContext(l.ctx, int64(l.term), limit, l.lo, l.size)
	if err != nil {
		return err
	}
	defer rows.Close()
	l.buf = make([]int64, 0, l.size)
	for rows.Next() {
		var b int64
		if err := rows.Scan(&b); err != nil {
			return err
		}
		l.buf = append(l.buf, b)
	}
	l.end = len(l.buf) < l.size
	return rows.Err()
}

// every is all blocks.
type every struct{ lo int64 }

func (e every) next(limit int64) (int64, error) {
	if limit < e.lo {
		return -1, nil
	}
	return limit, nil
}

// anyOf is the union of lists.
type anyOf []blocks

func (a anyOf) next(limit int64) (int64, error) {
	best := int64(-1)
	for _, l := range a {
		b, err := l.next(limit)
		if err != nil {
			return -1, err
		}
		best = max(best, b)
	}
	return best, nil
}

// allOf is the intersection of lists.
type allOf []blocks

func (a allOf) next(limit int64) (int64, error) {
	for {
		start := limit
		for _, l := range a {
			b, err := l.next(limit)
			if b < 0 || err != nil {
				return -1, err
			}
			limit = b
		}
		if limit == start {
			return limit, nil
		}
	}
}
