package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// ends are the two ends of a segment: what its first record continues, and what
// the next segment's first record must.
type ends struct {
	firstSeq, lastSeq uint64
	prev, last        [sha256.Size]byte
}

// segmentWalk hashes the records of one segment in steps.
type segmentWalk struct {
	dir    string
	file   segmentFile
	slot   int
	closed bool
	head   Head // where to stop in a segment that is being written
	w      *walker
	chain  chain
	ends   ends
	done   bool
}

// walk prepares to hash a segment. One that is being written is hashed up to a
// head that is durable.
func (k *keeper) walk(sf segmentFile, closed bool, head Head) *segmentWalk {
	s := &segmentWalk{dir: k.log.dir, file: sf, slot: k.log.opt.Slot, closed: closed, head: head}
	s.chain = chain{slot: s.slot, next: sf.first, open: map[uint64]struct{}{}}
	return s
}

func (s *segmentWalk) close() {
	if s.w != nil {
		s.w.close()
		s.w = nil
	}
}

func (s *segmentWalk) bad(format string, args ...any) error {
	return fmt.Errorf("%w: %s: "+format, append([]any{ErrTampered, s.file.name}, args...)...)
}

// step hashes on until a moment; the zero time is never. An error that wraps
// [ErrTampered] is a finding.
func (s *segmentWalk) step(until time.Time) error {
	if s.w == nil {
		w, err := openWalker(s.dir + "/" + s.file.name)
		if err != nil {
			return s.bad("%w", err)
		}
		w.ahead = walkWindow
		s.w = w
	}
	for !s.done {
		payload, at, err := s.w.next()
		if errors.Is(err, errEnd) || errors.Is(err, errBroken) {
			return s.end(at)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s.file.name, err)
		}
		if err := s.frame(payload); err != nil {
			return err
		}
		if !until.IsZero() && time.Now().After(until) {
			return nil
		}
	}
	return nil
}

// frame hashes the records of one frame.
func (s *segmentWalk) frame(payload []byte) error {
	var bad string
	lines(payload, func(line []byte, _ int) bool {
		var h head
		if h, bad = s.chain.add(line); bad != "" {
			return false
		}
		if s.chain.count == 1 {
			s.ends.firstSeq = h.seq
			if _, err := hex.Decode(s.ends.prev[:], h.prev); err != nil {
				bad = "not a record"
				return false
			}
		}
		clear(s.chain.open) // of no use here
		if !s.closed && h.seq == s.head.Seq {
			s.done = true
			return false
		}
		return true
	})
	s.ends.lastSeq, s.ends.last = s.chain.head.Seq, s.chain.head.Hash
	switch {
	case bad != "":
		return s.bad("record %d: %s", s.chain.next, bad)
	case s.done && s.ends.last != s.head.Hash:
		return s.bad("record %d is not the one that was written", s.head.Seq)
	}
	return nil
}

// end says what the end of whole frames means.
func (s *segmentWalk) end(at int64) error {
	if !s.closed {
		return s.bad("record %d is gone", s.chain.next)
	}
	t, err := examineTail(s.w.f, at)
	if err != nil {
		return fmt.Errorf("%s: %w", s.file.name, err)
	}
	if t.state != tailClean || s.chain.count == 0 {
		return s.bad("broken behind record %d", s.chain.head.Seq)
	}
	s.done = true
	return nil
}
