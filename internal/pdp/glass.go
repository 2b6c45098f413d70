package pdp

import (
	"maps"
	"slices"
	"time"

	"github.com/custos-zt/custos/access"
)

// BreakGlass is one entry of `break_glass:`: who may lift, for a while, the
// rules that are marked with its name, and how that is approved and reviewed.
// The decision looks at Who alone; the rest is for whoever opens a lease.
type BreakGlass struct {
	Position string
	// Who are the conditions on the caller, which must be true.
	Who []Op
	// Group approves, Purpose is required to be stated.
	Group string
	// Quorum of them, 0 is one; at least as sure as Assurance; Self is "allowed"
	// where who opens it may approve it.
	Quorum    int
	Assurance string
	Self      string
	Purpose   bool
	Valid     time.Duration
	Uses      int
	Notify    []string
	Review    time.Duration
}

type breakGlass struct {
	who  span
	info BreakGlass
}

func (s *Snapshot) buildBreakGlass(p *Program) {
	s.breakGlass = make(map[string]breakGlass, len(p.BreakGlass))
	for name, b := range p.BreakGlass {
		s.breakGlass[name] = breakGlass{s.add(b.Who), b}
	}
}

// BreakGlass returns the entry of `break_glass:` with this name, and reports
// whether there is one. Who is empty: it is compiled.
func (s *Snapshot) BreakGlass(name string) (BreakGlass, bool) {
	b, ok := s.breakGlass[name]
	b.info.Who = nil
	return b.info, ok
}

// BreakGlassNames names the entries of `break_glass`, sorted.
func (s *Snapshot) BreakGlassNames() []string {
	return slices.Sorted(maps.Keys(s.breakGlass))
}

// LiftedBy names the entries of `break_glass` that may lift a rule.
func (s *Snapshot) LiftedBy(rule string) []string {
	if i, ok := s.numberOf(rule); ok {
		return s.infos[i].Liftable
	}
	return nil
}

// MayLift reports whether the entry with this name is for the caller of a
// request, for certain.
func (s *Snapshot) MayLift(name string, r *access.Request) bool {
	b, ok := s.breakGlass[name]
	if !ok {
		return false
	}
	e := evaluation{s: s, r: r}
	e.begin()
	return e.all(b.who, granting) == access.True
}

// lifted reports whether a live lease lifts the rule: of an entry that the rule
// names, for a caller whom the entry names for certain.
func (e *evaluation) lifted(r *rule) bool {
	for _, name := range e.r.Lifts {
		if !slices.Contains(e.s.info(r).Liftable, name) {
			continue
		}
		if b, ok := e.s.breakGlass[name]; ok && e.all(b.who, granting) == access.True {
			return true
		}
	}
	return false
}
