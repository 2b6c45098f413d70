package query

import (
	"slices"

	"github.com/custos-zt/custos/audit"
)

// maxOpen bounds how many calls a [Pairer] remembers in all. A call whose
// outcome comes after so many others is reported without who made it.
const maxOpen = 4096

// Pairer puts outcomes beside their calls while the log is read in order. Its
// zero value is ready. It is for one goroutine.
type Pairer struct {
	open  map[key]audit.Record
	order []key
}

// key names a record.
type key struct {
	slot int
	seq  uint64
}

// Add takes the next record and returns the entry that it is or completes.
// known is false for an outcome whose call was not seen: the entry is then the
// outcome alone.
func (p *Pairer) Add(r audit.Record) (e Entry, known bool) {
	if IsOutcome(r.Kind) {
		k := key{r.Slot, r.Admission}
		call, ok := p.open[k]
		if !ok {
			return Entry{Record: r, Outcome: &r}, false
		}
		delete(p.open, k)
		return Entry{Record: call, Outcome: &r}, true
	}
	if r.Kind == audit.KindAdmission && r.AwaitsOutcome() {
		p.remember(r)
	}
	return Entry{Record: r}, true
}

// remember keeps a call until its outcome comes, and forgets the oldest one where
// there are too many.
func (p *Pairer) remember(r audit.Record) {
	if p.open == nil {
		p.open = map[key]audit.Record{}
	}
	for len(p.open) >= maxOpen {
		delete(p.open, p.order[0]) // or its outcome came
		p.order = p.order[1:]
	}
	if len(p.order) >= 4*maxOpen {
		p.order = slices.DeleteFunc(slices.Clone(p.order), func(k key) bool {
			_, waits := p.open[k]
			return !waits
		})
	}
	k := key{r.Slot, r.Seq}
	p.open[k] = r
	p.order = append(p.order, k)
}
