package query

import "github.com/custos-zt/custos/audit"

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

func (p *Pairer) remember(r audit.Record) {
	if p.open == nil {
		p.open = map[key]audit.Record{}
	}
	if len(p.order) >= maxOpen {
		kept := p.order[:0]
		for _, k := range p.order {
			if _, ok := p.open[k]; ok {
				kept = append(kept, k)
			}
		}
		if p.order = kept; len(kept) >= maxOpen {
			delete(p.open, kept[0])
			p.order = kept[1:]
		}
	}
	k := key{r.Slot, r.Seq}
	p.open[k] = r
	p.order = append(p.order, k)
}
