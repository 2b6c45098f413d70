package index

import (
	"context"
	"database/sql"
	"math/bits"
)

// hourUS is an hour in microseconds. A rollup is named by the number of its hour
// since 1970.
const hourUS = 3600 * 1_000_000

// sums adds up what a batch contributes to the rollups.
type sums struct {
	records   map[recordKey]int64
	decisions map[decisionKey]int64
	outcomes  map[outcomeKey]*outcomeSum
}

type recordKey struct{ hour, kind int64 }

type decisionKey struct{ hour, backend, tool, decision, reason int64 }

type outcomeKey struct{ hour, backend, tool, status, bucket int64 }

type outcomeSum struct{ calls, bytes, duration, longest int64 }

func newSums() sums {
	return sums{map[recordKey]int64{}, map[decisionKey]int64{}, map[outcomeKey]*outcomeSum{}}
}

// outcome adds the end of a call.
func (s *sums) outcome(k outcomeKey, bytes, duration int64) {
	o := s.outcomes[k]
	if o == nil {
		o = &outcomeSum{}
		s.outcomes[k] = o
	}
	o.calls++
	o.bytes += bytes
	o.duration += duration
	o.longest = max(o.longest, duration)
}

// flush writes the sums.
func (s *sums) flush(ctx context.Context, tx *sql.Tx) error {
	records, err := newInserter(ctx, tx, "INSERT INTO hour_record", 3, " ON CONFLICT DO UPDATE SET records = records + excluded.records")
	if err != nil {
		return err
	}
	for k, n := range s.records {
		if err := records.add(k.hour, k.kind, n); err != nil {
			return err
		}
	}
	decisions, err := newInserter(ctx, tx, "INSERT INTO hour_decision", 6, " ON CONFLICT DO UPDATE SET calls = calls + excluded.calls")
	if err != nil {
		return err
	}
	for k, n := range s.decisions {
		if err := decisions.add(k.hour, k.backend, k.tool, k.decision, k.reason, n); err != nil {
			return err
		}
	}
	outcomes, err := newInserter(ctx, tx, "INSERT INTO hour_outcome", 9, ` ON CONFLICT DO UPDATE SET calls = calls + excluded.calls,
	 bytes = bytes + excluded.bytes, duration_us = duration_us + excluded.duration_us, longest_us = max(longest_us, excluded.longest_us)`)
	if err != nil {
		return err
	}
	for k, o := range s.outcomes {
		if err := outcomes.add(k.hour, k.backend, k.tool, k.status, k.bucket, o.calls, o.bytes, o.duration, o.longest); err != nil {
			return err
		}
	}
	for _, i := range []*inserter{records, decisions, outcomes} {
		if err := i.flush(); err != nil {
			return err
		}
	}
	*s = newSums()
	return nil
}

// bucketOf returns the latency bucket of a duration: four to a doubling, so that
// a percentile read from buckets is at most a fifth too large.
func bucketOf(us int64) int64 {
	if us < 4 {
		return max(us, 0)
	}
	octave := bits.Len64(uint64(us)) - 1
	return int64(octave)*4 - 4 + us>>(octave-2)&3
}

// bucketEnd returns the longest duration of a bucket.
func bucketEnd(b int64) int64 {
	if b < 4 {
		return b
	}
	octave, quarter := (b+4)/4, (b+4)%4
	return (quarter+5)<<(octave-2) - 1
}
