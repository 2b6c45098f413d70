package pa

import (
	"slices"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/limit"
	"github.com/custos-zt/custos/internal/pdp"
)

// reservation is what was counted for a call before it was decided.
type reservation struct {
	at       time.Time
	counters []pdp.Counter
	reserved []limit.Counter
}

// reserve counts the call for the limits and rates that may be about it, and
// tells the request how many there were before. Without a table or a clock, or
// where the caller is not known, the counters stay unknown, and restrict.
func (a *Administrator) reserve(s *pdp.Snapshot, r *access.Request) reservation {
	if a.opt.Limits == nil || !s.Counts() {
		return reservation{}
	}
	held := reservation{at: r.Now}
	if a.opt.Steady != nil {
		held.at = a.opt.Steady()
	}
	if held.at.IsZero() {
		return reservation{}
	}
	for _, c := range s.Counters(r, nil) {
		if c.Known {
			held.counters = append(held.counters, c)
			held.reserved = append(held.reserved, limit.Counter{Key: c.Key, Window: c.Window})
		}
	}
	if len(held.counters) == 0 {
		return held
	}
	r.Counters = make(map[string]int64, len(held.counters))
	for i, before := range a.opt.Limits.Reserve(held.at, held.reserved) {
		r.Counters[held.counters[i].ID] = before
	}
	return held
}

// refund takes back what was counted for a call that is not forwarded, and for
// rates of rules that did not allow it.
func (a *Administrator) refund(held reservation, d *access.Decision) {
	if len(held.counters) == 0 {
		return
	}
	var back []limit.Counter
	for i, c := range held.counters {
		allowed := !c.Rule || slices.ContainsFunc(d.Matched, func(m access.Match) bool {
			return m.Rule == c.ID && m.Effect == access.Allow && !m.Monitor
		})
		if d.Effect != access.Allow || !allowed {
			back = append(back, held.reserved[i])
		}
	}
	a.opt.Limits.Refund(held.at, back)
}
