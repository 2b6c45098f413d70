package index

import (
	"context"
	"database/sql"
	"math/bits"
	"slices"
)

// blocks is a sorted list of block numbers that is read backwards.
type blocks interface {
	// next returns the largest block up to limit, -1 where there is none. limit
	// never grows from call to call.
	next(limit int64) (int64, error)
}

// A list reads few postings at once at first, because one that is only probed
// needs one.
const (
	firstPostings = 2
	lastPostings  = 64
)

// list is the blocks of one term.
type list struct {
	ctx   context.Context
	read  *sql.Stmt // term, chunk, least chunk, count
	term  term
	lo    int64
	buf   []int64 // descending
	below int64   // the chunks from here on were read
	size  int
	end   bool // there is nothing behind buf
}

func (l *list) next(limit int64) (int64, error) {
	for {
		if len(l.buf) > 0 && l.buf[0] > limit {
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
	l.size = min(max(2*l.size, firstPostings), lastPostings)
	rows, err := l.read.QueryContext(l.ctx, int64(l.term), min(limit>>chunkShift, l.below-1), l.lo>>chunkShift, l.size)
	if err != nil {
		return err
	}
	defer rows.Close()
	l.buf = l.buf[:0]
	n := 0
	for ; rows.Next(); n++ {
		var set int64
		if err := rows.Scan(&l.below, &set); err != nil {
			return err
		}
		for left := uint64(set); left != 0; {
			top := bits.Len64(left) - 1
			left &^= 1 << top
			l.buf = append(l.buf, l.below<<chunkShift|int64(top))
		}
	}
	l.end = n < l.size
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
