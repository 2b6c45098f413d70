package sink

import (
	"crypto/rand"
	"encoding/binary"
	"time"
)

// The bounds of the wait between two attempts.
const (
	firstWait = 500 * time.Millisecond
	lastWait  = time.Minute
)

// backoff grows the wait between attempts. Its zero value is ready.
type backoff struct{ failures int }

func (b *backoff) reset() { b.failures = 0 }

// next returns how long to wait: between half and the whole of a time that
// doubles, so that many senders that lost one receiver do not return at once.
func (b *backoff) next() time.Duration {
	whole := lastWait
	if b.failures < 7 { // 500 ms doubled seven times is beyond a minute
		whole = min(firstWait<<b.failures, lastWait)
	}
	b.failures++
	return whole/2 + chance(whole/2)
}

// chance returns some time up to most.
func chance(most time.Duration) time.Duration {
	var b [4]byte
	_, _ = rand.Read(b[:]) // it never fails
	return time.Duration(float64(binary.BigEndian.Uint32(b[:])) / (1 << 32) * float64(most))
}
