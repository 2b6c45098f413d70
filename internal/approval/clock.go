package approval

import "time"

// Moment is one point in time on two clocks: the wall clock, which somebody can
// set, and one that only counts, for as long as the machine runs.
type Moment struct {
	Wall time.Time
	// Since counts from when the machine started, which Boot names. Moments of
	// different boots cannot be compared by it; "" is comparable with nothing.
	Since time.Duration
	Boot  string
}

// Clock tells what time it is. It MUST be safe for concurrent use.
type Clock func() Moment

// Term is a span that ends by itself, and is stored.
type Term struct {
	From, Until Moment
}

// backwards is how far the wall clock may be set back before a term that it
// would lengthen ends.
const backwards = 2 * time.Second

// NewTerm begins a term now.
func NewTerm(now Moment, length time.Duration) Term {
	return Term{From: now, Until: Moment{Wall: now.Wall.Add(length), Since: now.Since + length, Boot: now.Boot}}
}

// Live reports whether the term still runs: by both clocks, where both can be
// told. A wall clock that stands before the beginning was set back, and the
// term is over.
func (t Term) Live(now Moment) bool {
	if !now.Wall.Before(t.Until.Wall) || now.Wall.Before(t.From.Wall.Add(-backwards)) {
		return false
	}
	return now.Boot == "" || now.Boot != t.Until.Boot || now.Since < t.Until.Since
}
