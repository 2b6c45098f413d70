package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/query"
)

// Page says which part of a result is wanted.
type Page struct {
	// Limit is how many entries at most; 0 is all of them.
	Limit int
	// Before is the id of the last entry of the page before, "" for the first.
	Before string
}

// ErrDisagrees says that the index named a record of which the log says
// something else. The index has to be built anew.
var ErrDisagrees = errors.New("index: the log does not say what the index says")

// Search returns the entries that match, the newest first, as the log holds
// them: each is read again and matched again. Records that retention removed
// are left out.
func (x *Index) Search(ctx context.Context, f *query.Filter, p Page) ([]query.Entry, error) {
	before, err := x.before(p)
	if err != nil {
		return nil, err
	}
	var hits []hit
	err = x.view(ctx, func(tx *sql.Tx) (err error) {
		hits, err = find(ctx, tx, f, p.Limit, before)
		return err
	})
	if err != nil {
		return nil, err
	}
	records, err := x.reread(hits)
	if err != nil {
		return nil, err
	}
	out := make([]query.Entry, 0, len(hits))
	for _, h := range hits {
		e, err := x.entry(h, records)
		if errors.Is(err, audit.ErrNotFound) {
			if first, ferr := audit.FirstSeq(x.logDir, h.slot); ferr == nil && h.seq < first {
				continue
			}
			return nil, fmt.Errorf("%w: %w", ErrDisagrees, err)
		}
		if err == nil && !f.Match(&e) {
			err = fmt.Errorf("%w: record %d:%d", ErrDisagrees, h.slot, h.seq)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// before returns the record of the entry that a page goes on from.
func (x *Index) before(p Page) (*audit.Record, error) {
	if p.Before == "" {
		return nil, nil
	}
	r, err := audit.Find(x.logDir, p.Before)
	if err == nil && query.IsOutcome(r.Kind) {
		r, err = audit.FindStored(x.logDir, r.Slot, r.Admission, audit.Place{})
	}
	return &r, err
}

// hit is an entry that was found.
type hit struct {
	n       int64
	slot    int
	seq     uint64
	outcome uint64
	places  [2]audit.Place // of the record and of its outcome
}

// find looks for the entries that match.
func find(ctx context.Context, tx *sql.Tx, f *query.Filter, limit int, from *audit.Record) ([]hit, error) {
	s, err := plan(ctx, tx, f)
	if err != nil || s == nil {
		return nil, err
	}
	before := int64(1) << 62
	if from != nil {
		if before, err = number(ctx, tx, from); err != nil {
			return nil, err
		}
	}
	hits, err := s.run(ctx, tx, limit, before)
	if err != nil {
		return nil, err
	}
	place, err := tx.PrepareContext(ctx, "SELECT segment, offset FROM place WHERE slot = ? AND seq <= ? ORDER BY seq DESC LIMIT 1")
	if err != nil {
		return nil, err
	}
	for i := range hits {
		for j, seq := range []uint64{hits[i].seq, hits[i].outcome} {
			at := &hits[i].places[j]
			err := place.QueryRowContext(ctx, hits[i].slot, int64(seq)).Scan(&at.Segment, &at.Offset)
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return nil, err
			}
		}
	}
	return hits, nil
}

// number finds the entry of a record.
func number(ctx context.Context, tx *sql.Tx, r *audit.Record) (n int64, err error) {
	p := planner{ctx: ctx, tx: tx}
	if err := p.between(r.Time, r.Time.Add(time.Microsecond)); err != nil {
		return 0, err
	}
	err = tx.QueryRowContext(ctx, "SELECT n FROM entry WHERE n BETWEEN ? AND ? AND slot = ? AND seq = ?",
		firstOf(p.lo), lastOf(p.hi), r.Slot, int64(r.Seq)).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("%w: %s", audit.ErrNotFound, r.ID())
	}
	return n, err
}

// search is a filter in the words of the index.
type search struct {
	lists  allOf
	hi     int64 // the last block that counts
	where  []string
	args   []any
	paths  [][digestSize]byte
	hosts  [][digestSize]byte
	argued [][digestSize]byte
	labels []int64
}

// run walks over the blocks that may hold a match.
func (s *search) run(ctx context.Context, tx *sql.Tx, limit int, before int64) ([]hit, error) {
	where := strings.Join(append([]string{"n BETWEEN ? AND ? AND n < ?"}, s.where...), " AND ")
	// Every condition is a text of this package; values are parameters.
	columns := "SELECT n, slot, seq, ifnull(outcome, 0), paths, hosts, args, labels FROM entry WHERE "
	stmt, err := tx.PrepareContext(ctx, columns+where+" ORDER BY n DESC")
	if err != nil {
		return nil, err
	}
	var hits []hit
	at := min(s.hi, blockOf(before))
	for most := int64(1); ; most = min(2*most, maxSpan) {
		first, last, rest, err := s.span(at, most)
		if err != nil || last < 0 {
			return hits, err
		}
		at = rest
		err = each(ctx, prepared{stmt}, "", func(scan func(...any) error) error {
			var h hit
			var paths, hosts, args, labels sql.RawBytes
			if err := scan(&h.n, &h.slot, &h.seq, &h.outcome, &paths, &hosts, &args, &labels); err != nil {
				return err
			}
			if holds(paths, s.paths) && holds(hosts, s.hosts) && holds(args, s.argued) && labelled(labels, s.labels) {
				hits = append(hits, h)
			}
			return nil
		}, append([]any{firstOf(first), lastOf(last), before}, s.args...)...)
		if err != nil {
			return nil, err
		}
		if limit > 0 && len(hits) >= limit {
			return hits[:limit], nil
		}
	}
}

// maxSpan is how many blocks one statement reads at most. To start one costs more
// than to read a block.
const maxSpan = 64

// span returns the next blocks to read, the last of which is at or before at: at
// most so many, while at least every other of them may hold a match. rest is
// where to go on; last is negative where there is nothing.
func (s *search) span(at, most int64) (first, last, rest int64, err error) {
	if at < 0 {
		return 0, -1, -1, nil
	}
	last, err = s.lists.next(at)
	first, rest = last, last-1
	for err == nil && first > 0 && last-first+1 < most {
		if rest, err = s.lists.next(first - 1); err != nil || rest < first-2 {
			break
		}
		first, rest = max(0, rest), rest-1
	}
	return first, last, rest, err
}

// prepared is a statement as a querier.
type prepared struct{ stmt *sql.Stmt }

func (p prepared) QueryContext(ctx context.Context, _ string, args ...any) (*sql.Rows, error) {
	return p.stmt.QueryContext(ctx, args...)
}

// holds reports whether packed digests hold one that is wanted.
func holds(packed []byte, wanted [][digestSize]byte) bool {
	if len(wanted) == 0 {
		return true
	}
	for ; len(packed) >= digestSize; packed = packed[digestSize:] {
		for _, w := range wanted {
			if [digestSize]byte(packed[:digestSize]) == w {
				return true
			}
		}
	}
	return false
}

// labelled reports whether packed labels hold one that is wanted.
func labelled(packed []byte, wanted []int64) bool {
	if len(wanted) == 0 {
		return true
	}
	for ; len(packed) >= 4; packed = packed[4:] {
		id := int64(packed[0])<<24 | int64(packed[1])<<16 | int64(packed[2])<<8 | int64(packed[3])
		for _, w := range wanted {
			if id == w {
				return true
			}
		}
	}
	return false
}
