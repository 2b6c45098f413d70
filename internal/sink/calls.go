package sink

import "github.com/custos-zt/custos/audit"

// maxCalls bounds the admissions that are remembered. A call beyond it is looked
// up in the log when its outcome comes.
const maxCalls = 1024

// calls finds the admission that an outcome belongs to. A nil *calls finds
// none.
type calls struct {
	logDir string
	open   map[call]*audit.Record
}

type call struct {
	slot int
	seq  uint64
}

func newCalls(logDir string) *calls { return &calls{logDir: logDir, open: map[call]*audit.Record{}} }

// pair remembers an admission, and returns that of an outcome.
func (c *calls) pair(r *audit.Record) *audit.Record {
	switch {
	case c == nil:
		return nil
	case r.AwaitsOutcome():
		if len(c.open) < maxCalls {
			kept := *r
			c.open[call{r.Slot, r.Seq}] = &kept
		}
		return nil
	case r.Kind == audit.KindOutcome || r.Kind == audit.KindOutcomeUnknown:
		return c.take(call{r.Slot, r.Admission})
	}
	return nil
}

// take returns an admission and forgets it. One that an earlier process had
// delivered is looked up; where it is gone there is none.
func (c *calls) take(k call) *audit.Record {
	if r, ok := c.open[k]; ok {
		delete(c.open, k)
		return r
	}
	r, err := audit.FindStored(c.logDir, k.slot, k.seq, audit.Place{})
	if err != nil || r.Kind != audit.KindAdmission {
		return nil
	}
	return &r
}
