package audit

import (
	"maps"
	"slices"
)

// delivered is which record each reader has. It is asked for at most once, and
// only where records are over.
type delivered struct {
	fetch func() map[string]uint64
	by    map[string]uint64
}

func (d *delivered) readers() map[string]uint64 {
	if d.fetch != nil {
		d.by, d.fetch = d.fetch(), nil
	}
	return d.by
}

// all reports whether every reader has a record.
func (d *delivered) all(seq uint64) bool {
	for _, has := range d.readers() {
		if has < seq {
			return false
		}
	}
	return true
}

// missed returns the readers that do not have all records behind base up to
// through.
func (d *delivered) missed(base, through uint64) []Missed {
	var out []Missed
	by := d.readers()
	for _, name := range slices.Sorted(maps.Keys(by)) {
		if has := by[name]; has < through {
			out = append(out, Missed{Reader: name, After: has, Records: through - max(has, base)})
		}
	}
	return out
}
