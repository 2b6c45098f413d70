package audit

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// behindExpired prepares the check of a chain whose first base records are no
// longer there: the hashes that are left of them stand for them. Whether they
// went rightly shows at the end: see [verifier.expiredUnsaid].
func (v *verifier) behindExpired(base uint64) error {
	if base == 0 || v.rep.Bad != nil || v.cover.own == nil || v.cover.own.Size < base {
		return nil // they are missing, and are found so
	}
	var last tlog.Hash
	err := eachExpired(v.dir, base, func(leaf tlog.Hash) {
		if v.rep.Bad == nil {
			v.cover.leaf(leaf)
			last = leaf
		}
	})
	if err != nil {
		v.bad(1, treeName, 0, err.Error())
		return nil
	}
	v.base, v.before = base, last
	v.chain.next, v.chain.count, v.chain.known = base+1, base, false
	return nil
}

// goesOn checks that the first segment of a chain follows the last record that
// expired.
func (v *verifier) goesOn(first *Record) error {
	prev, err := decodeHash(first.Prev)
	if err != nil || leafHash(prev) != v.before {
		return errors.New("does not continue the records that expired")
	}
	v.turned = Head{Seq: v.base, Hash: prev}
	for _, seq := range first.Open {
		v.chain.open[seq] = struct{}{}
	}
	return v.skipRotations(first)
}

// skipRotations takes the rotations that expired from what is known from
// elsewhere.
func (v *verifier) skipRotations(first *Record) error {
	if v.given.IsZero() || first.Key == "" {
		return nil
	}
	g, err := v.given.begins(first)
	if err != nil {
		return err
	}
	for i := range g {
		v.chain.rotations = append(v.chain.rotations, keyChange{seq: v.base, rotation: v.given.rotations[i]})
	}
	return v.learn()
}

// noteExpired remembers how far signed records say that the chain expired.
func (v *verifier) noteExpired(h *head, line []byte) {
	if string(h.kind) != string(KindExpired) || v.cover.own == nil || h.seq > v.cover.own.Size {
		return
	}
	if r, err := Decode(line); err == nil && r.Expired != nil && r.Expired.Through < h.seq {
		v.said = max(v.said, r.Expired.Through)
	}
}

// expiredUnsaid finds records that are gone although no signed record says that
// they expired.
func (v *verifier) expiredUnsaid() {
	if v.said < v.base {
		v.bad(v.said+1, segmentName(v.said+1), 0, fmt.Sprintf("records %d to %d are missing: no signed record says that they expired", v.said+1, v.base))
	}
}
