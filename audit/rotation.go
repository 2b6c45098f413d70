package audit

import (
	"errors"
	"fmt"
)

// keyChange is what a key record holds.
type keyChange struct {
	seq      uint64
	rotation string // "": nothing that can be read
}

// readKeyChange reads a key record of the chain.
func readKeyChange(seq uint64, line []byte) keyChange {
	r, err := Decode(line)
	if err != nil {
		return keyChange{seq: seq}
	}
	return keyChange{seq: seq, rotation: r.Rotation}
}

// since returns the key records for every rotation behind a generation.
func (k Keys) since(generation int) []Record {
	var list []Record
	for i := generation; i < len(k.rotations); i++ {
		list = append(list, Record{Kind: KindKey, Key: recordKey(k.list[i+1]), Rotation: k.rotations[i]})
	}
	return list
}

// begins returns the generation of the key that a genesis or segment record
// names.
func (k Keys) begins(first *Record) (int, error) {
	if k.IsZero() || first.Key == "" {
		return 0, nil
	}
	key, err := parseRecordKey(first.Key)
	if err != nil {
		return 0, err
	}
	g, known := k.generation(key)
	if !known {
		return 0, fmt.Errorf("record %d names the key %s, which is not one of this log", first.Seq, Fingerprint(key))
	}
	return g, nil
}

// rotate follows the key records of the last segment. One that the keys at hand
// do not hold means that the key was replaced without this process, or that
// somebody else wrote the record: either way nothing more can be signed.
func (r *recovery) rotate(changes []keyChange, opt *Options) error {
	if opt.Keys.IsZero() {
		return nil
	}
	for _, c := range changes {
		if r.generation >= len(opt.Keys.rotations) || c.rotation != opt.Keys.rotations[r.generation] {
			return fmt.Errorf("record %d replaces the key by one that is not at hand", c.seq)
		}
		r.generation++
	}
	return nil
}

// errReplaced marks a head that was signed by a key after it was replaced.
var errReplaced = errors.New("the checkpoint is signed by a key that was replaced before")

// learn takes the rotations that the records so far hold, and returns the seq
// of one that does not follow from the key before it.
func (v *verifier) learn() error {
	for ; v.learned < len(v.chain.rotations); v.learned++ {
		c := v.chain.rotations[v.learned]
		known := v.given.rotations
		if v.learned < len(known) && c.rotation != known[v.learned] {
			return errors.New("its rotation is not the one that the key file holds")
		}
		next, err := v.keys.after(c.rotation)
		if err != nil {
			return err
		}
		v.keys = next
	}
	return nil
}

// unrotated finds a chain that does not hold a rotation that is known from
// elsewhere: it goes on under a key that was replaced.
func (v *verifier) unrotated() {
	if v.rep.Bad != nil || v.chain.count == 0 || v.keys.Len() >= v.given.Len() {
		return
	}
	next := v.given.list[v.keys.Len()]
	v.bad(v.chain.next, v.last.file, v.last.offset, fmt.Sprintf("is missing: the key was replaced by %s, which no record says", Fingerprint(next)))
}

// openHead checks who signed a head: a key in force at its last record, or a
// later one.
func (v *verifier) openHead(signed []byte) (Checkpoint, error) {
	keys := v.keys
	if v.given.Len() > keys.Len() {
		keys = v.given
	}
	c, generation, err := keys.open(signed)
	if err != nil {
		return c, err
	}
	for i, change := range v.chain.rotations {
		if change.seq <= c.Size && i >= generation {
			return c, errReplaced
		}
	}
	return c, nil
}
