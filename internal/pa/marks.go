package pa

import (
	"slices"
	"strings"
	"sync"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/pdp"
)

// readFact is the fact that says what a session has read.
const readFact = "session.read"

// maxMarked bounds how many accounts are kept. Beyond it what was read is
// unknown, and what is unknown restricts.
const maxMarked = 100_000

// marks are the labels of what was read so far, in this process, for each
// account: issuer, subject and agent, so that who connects again is who was
// there. Labels are never taken off.
type marks struct {
	mu     sync.Mutex
	labels map[string][]string
}

// account is whose labels a request meets. Nobody in particular has those of the
// session alone.
func account(r *access.Request) string {
	if !r.Subject.Known {
		return "session\x00" + r.Session.ID
	}
	return strings.Join([]string{r.Subject.Issuer, r.Subject.ID, r.Agent}, "\x00")
}

// tell supplies what the session has read, unless somebody did. Where there is
// no room to remember it stays unknown.
func (m *marks) tell(r *access.Request) {
	if _, given := r.Facts[readFact]; given {
		return
	}
	key := account(r)
	m.mu.Lock()
	labels, known := m.labels[key]
	full := !known && len(m.labels) >= maxMarked
	m.mu.Unlock()
	if full {
		return
	}
	value, err := canon.FromGo(append([]string{}, labels...))
	if err != nil {
		return
	}
	if r.Facts == nil {
		r.Facts = map[string]access.Fact{}
	}
	r.Facts[readFact] = access.Fact{Value: value, Source: "session"}
}

// mark notes what an allowed call lets its session see and what rules say of it.
// It is done before the call is forwarded: what comes next must already know.
func (m *marks) mark(s *pdp.Snapshot, r *access.Request, d *access.Decision) {
	added := append(s.Reads(r), d.AddLabels...)
	if len(added) == 0 {
		return
	}
	key := account(r)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.labels == nil {
		m.labels = map[string][]string{}
	}
	have, known := m.labels[key]
	if !known && len(m.labels) >= maxMarked {
		return // and tell knows nothing from now on
	}
	for _, l := range added {
		if !slices.Contains(have, l) {
			have = append(slices.Clip(have), l)
		}
	}
	m.labels[key] = have
}
