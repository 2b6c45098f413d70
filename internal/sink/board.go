package sink

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// Stats say how a sink fares. All counts begin with the process.
type Stats struct {
	Sink      string
	Delivered uint64 // records that the receiver took
	Dropped   uint64 // records that the receiver will never take
	Lost      uint64 // records that retention removed before they were delivered
	Failures  uint64 // attempts that failed
	Breaks    uint64 // times that a slot could not be read on
	// Oldest is the time of the oldest record that is known to wait; zero: none.
	Oldest time.Time
	// LastError is what failed last, "" since a delivery succeeded.
	LastError string
}

// Lag is how long the oldest record waits that is not delivered.
func (s *Stats) Lag(now time.Time) time.Duration {
	if s.Oldest.IsZero() || now.Before(s.Oldest) {
		return 0
	}
	return now.Sub(s.Oldest)
}

// Witness says how it stands with one witness of the process's own chain.
type Witness struct {
	Name     string
	Failures uint64 // questions that it did not answer with a cosignature
	Behind   uint64 // records that it has not seen
}

// Board holds the stats of all sinks of a process, and of its witnesses. Its
// methods may be called from any number of goroutines.
type Board struct {
	mu        sync.Mutex
	stats     map[string]*Stats
	witnesses func() []Witness
}

// Watch makes the board show witnesses as well. ask is called whenever somebody
// looks.
func (b *Board) Watch(ask func() []Witness) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.witnesses = ask
}

// Witnesses asks how it stands with the witnesses; nil where there are none.
func (b *Board) Witnesses() []Witness {
	b.mu.Lock()
	ask := b.witnesses
	b.mu.Unlock()
	if ask == nil {
		return nil
	}
	return ask()
}

// NewBoard returns an empty board.
func NewBoard() *Board { return &Board{stats: map[string]*Stats{}} }

// Stats returns a copy of everything, by name.
func (b *Board) Stats() []Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]Stats, 0, len(b.stats))
	for _, name := range slices.Sorted(maps.Keys(b.stats)) {
		out = append(out, *b.stats[name])
	}
	return out
}

// update changes the stats of one sink.
func (b *Board) update(name string, change func(*Stats)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.stats[name]
	if s == nil {
		s = &Stats{Sink: name}
		b.stats[name] = s
	}
	change(s)
}
