package gateway

import (
	"math/bits"
	"strconv"
	"sync/atomic"
)

// oddities counts what should not have happened. The first few are told one
// by one, later ones only when their number doubles: a flood must not become
// a flood of evidence.
type oddities struct{ count atomic.Int64 }

// toldOneByOne is how many anomalies are recorded and shown singly.
const toldOneByOne = 16

// anomaly records something that should not have happened, and tells the
// person on stderr.
func (s *Stdio) anomaly(side, detail string) {
	n := s.odd.count.Add(1)
	if n > toldOneByOne && bits.OnesCount64(uint64(n)) != 1 {
		return
	}
	text := "refused from the " + side + ": " + detail
	if n > toldOneByOne {
		text += " (" + itoa(n) + " so far)"
	}
	s.opt.Anomaly(text)
	s.notice(text)
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
