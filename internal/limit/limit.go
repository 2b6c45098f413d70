// Package limit counts admitted calls in memory, for the caps and rates of a
// policy.
//
// A count is reserved before a call is decided and given back if the call is
// not forwarded, so that two calls at once cannot both be the last one. Windows
// slide in steps of a sixtieth; a step counts until all of it has left the
// window, so that a cap may hold a moment too long and never too short.
//
// Counts live as long as the process and are its own.
package limit

import (
	"sync"
	"time"
)

// steps is how many parts a window slides in.
const steps = 60

// Counter is what is counted: calls that share a key within a window. Equal
// keys MUST have equal windows.
type Counter struct {
	Key    string
	Window time.Duration
}

// Table holds the counts of one process. It is safe for concurrent use.
type Table struct {
	mu     sync.Mutex
	counts map[string]*count
	swept  int64 // when forgotten counts were last removed, in seconds
}

// count is one sliding window.
type count struct {
	step  int64 // length of a step in nanoseconds
	last  int64 // the newest step
	slots [steps + 1]int64
}

// New returns an empty table.
func New() *Table { return &Table{counts: map[string]*count{}} }

// Reserve counts one more call for each counter at the time now, and returns
// how many there were before it, in the same order.
func (t *Table) Reserve(now time.Time, counters []Counter) []int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweep(now)
	before := make([]int64, len(counters))
	for i, c := range counters {
		k := t.counts[c.Key]
		if k == nil {
			k = &count{step: max(int64(c.Window)/steps, 1)}
			t.counts[c.Key] = k
		}
		k.move(now)
		before[i] = k.sum()
		k.slots[k.last%int64(len(k.slots))]++
	}
	return before
}

// Refund takes back what Reserve counted at the same time, for calls that are
// not forwarded.
func (t *Table) Refund(now time.Time, counters []Counter) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range counters {
		k := t.counts[c.Key]
		if k == nil {
			continue
		}
		at := now.UnixNano() / k.step
		if slot := &k.slots[at%int64(len(k.slots))]; k.last-at <= steps && *slot > 0 {
			*slot--
		}
	}
}

// move forgets the steps that left the window. Time that runs backwards moves
// nothing.
func (k *count) move(now time.Time) {
	at := now.UnixNano() / k.step
	n := int64(len(k.slots))
	if k.last == 0 {
		k.last = at
	}
	for i := max(k.last+1, at-n+1); i <= at; i++ {
		k.slots[i%n] = 0
	}
	k.last = max(k.last, at)
}

func (k *count) sum() int64 {
	var out int64
	for _, n := range k.slots {
		out += n
	}
	return out
}

// sweepEvery is how often counts that are empty again are removed, in seconds.
const sweepEvery = 60

func (t *Table) sweep(now time.Time) {
	if at := now.Unix(); at-t.swept < sweepEvery {
		return
	}
	t.swept = now.Unix()
	for key, k := range t.counts {
		if k.move(now); k.sum() == 0 {
			delete(t.counts, key)
		}
	}
}
