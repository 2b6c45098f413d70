package audit

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// scope says in one line what a check against earlier heads proves.
func scope(since map[int][]*keptHead, witnessed []Cosignature) string {
	var parts []string
	kept := []string{}
	for _, n := range slices.Sorted(maps.Keys(since)) {
		for _, head := range since[n] {
			if !slices.ContainsFunc(witnessed, func(c Cosignature) bool { return c.Slot == n && c.Size == head.Size }) {
				kept = append(kept, fmt.Sprintf("record %d of slot %02d", head.Size, n))
			}
		}
	}
	if len(witnessed) > 0 {
		parts = append(parts, "witnessed to "+scopeWitnessed(witnessed))
	}
	switch len(kept) {
	case 0:
	case 1:
		parts = append(parts, "checked against a head of "+kept[0])
	default:
		parts = append(parts, "checked against heads of "+strings.Join(kept, ", "))
	}
	if len(parts) == 0 {
		return ScopeLocal
	}
	return strings.Join(parts, "; ")
}

// scopeWitnessed names the last record of each slot that a witness saw.
func scopeWitnessed(witnessed []Cosignature) string {
	best := map[int]Cosignature{}
	for _, c := range witnessed {
		have, some := best[c.Slot]
		if !some || cmp.Or(cmp.Compare(c.Size, have.Size), c.Time.Compare(have.Time)) > 0 {
			best[c.Slot] = c
		}
	}
	var parts []string
	for _, n := range slices.Sorted(maps.Keys(best)) {
		text := fmt.Sprintf("record %d at %s", best[n].Size, best[n].Time.Format(time.RFC3339))
		if len(best) > 1 || n > 0 {
			text = fmt.Sprintf("record %d of slot %02d at %s", best[n].Size, n, best[n].Time.Format(time.RFC3339))
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

// openWitnessed reads the cosigned head beside the chain. A reader who knows no
// witness has no use for it.
func (v *verifier) openWitnessed() error {
	if len(v.witnesses) == 0 {
		return nil
	}
	signed, err := readNote(witnessedPath(v.dir))
	if err != nil || signed == nil {
		return err
	}
	head, err := ParseCheckpoint(signed)
	if err != nil {
		v.bad(1, witnessedName, 0, err.Error())
		return nil
	}
	v.witnessed = &keptHead{head, signed}
	v.cover.expect(&v.witnessed.Checkpoint)
	return nil
}

// checkWitnessed checks who signed the cosigned head beside the chain, and
// collects what witnesses said. One that no known witness cosigned proves no
// more than the chain itself.
func (v *verifier) checkWitnessed() {
	for _, head := range v.since {
		v.cosigned = append(v.cosigned, cosignatures(&head.Checkpoint, head.signed, v.witnesses)...)
	}
	if v.witnessed == nil || v.keys.IsZero() {
		v.witnessed = nil
		return
	}
	if _, err := v.openHead(v.witnessed.signed); err != nil {
		if v.cover.blamed {
			v.rep.Bad = nil
		}
		v.bad(1, witnessedName, 0, err.Error())
		return
	}
	list := cosignatures(&v.witnessed.Checkpoint, v.witnessed.signed, v.witnesses)
	v.cosigned = append(v.cosigned, list...)
	if len(list) == 0 {
		v.witnessed = nil
	}
}
