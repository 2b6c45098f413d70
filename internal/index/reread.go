package index

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/query"
)

// near is how many records are read past rather than to look for a place again.
const near = 64

// wanted is a record to read, and where to begin to look.
type wanted struct {
	ref
	place audit.Place
}

// reread reads the records of hits from the log. Those that are not there are
// left out. Records that lie close together are read in one go.
func (x *Index) reread(hits []hit) (map[ref]audit.Record, error) {
	var list []wanted
	for _, h := range hits {
		list = append(list, wanted{ref{h.slot, h.seq}, h.places[0]})
		if h.outcome != 0 {
			list = append(list, wanted{ref{h.slot, h.outcome}, h.places[1]})
		}
	}
	slices.SortFunc(list, func(a, b wanted) int { return cmp.Or(a.slot-b.slot, cmp.Compare(a.seq, b.seq)) })
	records := make(map[ref]audit.Record, len(list))
	for i := 0; i < len(list); {
		end := i + 1
		for end < len(list) && list[end].slot == list[i].slot && list[end].seq <= list[end-1].seq+near {
			end++
		}
		if err := x.readRun(list[i:end], records); err != nil {
			return nil, err
		}
		i = end
	}
	return records, nil
}

// readRun reads records of one slot that lie close together, in order.
func (x *Index) readRun(list []wanted, to map[ref]audit.Record) error {
	last := list[len(list)-1].seq
	for s, err := range audit.ReadStored(x.logDir, list[0].slot, list[0].seq-1, list[0].place) {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // the slot is gone, and with it the records
		}
		if err != nil {
			return err
		}
		for len(list) > 0 && list[0].seq < s.Seq {
			list = list[1:]
		}
		if len(list) > 0 && list[0].seq == s.Seq {
			r, err := audit.Decode(s.Line)
			if err != nil {
				return err
			}
			to[list[0].ref] = r
		}
		if s.Seq >= last {
			return nil
		}
	}
	return nil
}

// entry puts a hit together from the records that were read.
func (x *Index) entry(h hit, records map[ref]audit.Record) (query.Entry, error) {
	r, ok := records[ref{h.slot, h.seq}]
	if !ok {
		return query.Entry{}, fmt.Errorf("%w: %s", audit.ErrNotFound, audit.FormatID(h.slot, h.seq))
	}
	if h.outcome == 0 {
		return query.Entry{Record: r}, nil
	}
	o, ok := records[ref{h.slot, h.outcome}]
	if !ok || o.Admission != h.seq {
		return query.Entry{}, fmt.Errorf("%w: record %d:%d is not the outcome of record %d:%d", ErrDisagrees, h.slot, h.outcome, h.slot, h.seq)
	}
	return query.Entry{Record: r, Outcome: &o}, nil
}
