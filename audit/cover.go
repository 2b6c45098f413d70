package audit

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// cover compares the tree of a chain with the heads that were signed for it,
// while its records come by.
type cover struct {
	v     *verifier
	own   *Checkpoint   // the newest that lies beside the chain; nil: none
	heads []*Checkpoint // own, and those kept elsewhere
	tree  fold
	upTo  uint64 // behind it nothing was signed
	buf   []tlog.Hash
	// blamed says that a record was called bad because of a head alone.
	blamed bool
}

// openCover reads the newest checkpoint of a chain. It MUST be read before the
// records: whatever it counts was durable by then. Signatures are checked once
// the chain has named its key.
func openCover(v *verifier, since []*keptHead) (cover, []byte, error) {
	c := cover{v: v}
	for _, head := range since {
		c.expect(&head.Checkpoint)
	}
	signed, err := readCheckpoint(v.dir)
	if err != nil || signed == nil {
		return c, nil, err
	}
	own, err := ParseCheckpoint(signed)
	if err != nil {
		v.badCheckpoint(err.Error())
		return c, nil, nil
	}
	c.own = &own
	c.expect(&own)
	return c, signed, nil
}

// expect adds a head that the records must agree with.
func (c *cover) expect(head *Checkpoint) {
	c.heads = append(c.heads, head)
	c.upTo = max(c.upTo, head.Size)
}

// record takes the hash of the next intact record.
func (c *cover) record(hash [sha256.Size]byte) {
	if c.tree.size >= c.upTo {
		return
	}
	c.leaf(leafHash(hash))
}

// leaf takes the next leaf.
func (c *cover) leaf(leaf tlog.Hash) {
	c.buf = c.tree.add(leaf, c.buf[:0])
	for _, head := range c.heads {
		if head.Size == c.tree.size && c.tree.root() != head.Root {
			c.blamed = true
			c.v.unlike(head)
			return
		}
	}
}

// end finds a chain that ends before what was signed for it.
func (c *cover) end() {
	v := c.v
	for _, head := range c.heads {
		if v.rep.Bad == nil && v.chain.count < head.Size {
			p := v.last
			c.blamed = true
			v.bad(v.chain.next, p.file, p.offset, fmt.Sprintf("is missing: a signed head counts %d records", head.Size))
		}
	}
}

// unlike names the first record that is not the one that was signed.
func (v *verifier) unlike(head *Checkpoint) {
	p, found := v.firstChanged(head)
	what := fmt.Sprintf("is not the record that was signed (head of record %d)", head.Size)
	if !found {
		p = v.last
		what = fmt.Sprintf("the records up to this one are not those that were signed (head of record %d)", head.Size)
	}
	v.bad(p.seq, p.file, p.offset, what)
}

// firstChanged finds the first record whose hash is not in the tree. It can
// tell only while the stored tree still is the one that was signed.
func (v *verifier) firstChanged(head *Checkpoint) (place, bool) {
	stored, f, err := readTree(v.dir)
	if err != nil {
		return place{}, false
	}
	defer f.Close()
	if root, err := stored.rootOf(head.Size); err != nil || root != head.Root {
		return place{}, false
	}
	r := slotReader{slotDir: slotDir{slot: v.chain.slot, path: v.dir}, after: v.base}
	defer r.close()
	for seq := v.base + 1; seq <= head.Size; seq++ {
		line, ok, err := r.line()
		if err != nil || !ok {
			return place{}, false
		}
		r.after = seq
		leaf, err := stored.ReadHashes([]int64{tlog.StoredHashIndex(0, int64(seq)-1)})
		if err != nil {
			return place{}, false
		}
		if leaf[0] != leafHash(sha256.Sum256(line)) {
			return place{seq: seq, file: r.file.name}, true
		}
	}
	return place{}, false
}

// badCheckpoint reports a checkpoint that this log's key did not sign: nothing
// in the chain is proven by it.
func (v *verifier) badCheckpoint(what string) {
	v.bad(1, checkpointName, 0, what)
}

// errNoKey says that a checkpoint cannot be checked.
var errNoKey = errors.New("the log does not name its key: give it with --key")

// checkSignature checks who signed the checkpoint beside the chain.
func (v *verifier) checkSignature(signed []byte) error {
	if signed == nil {
		return nil
	}
	if v.keys.IsZero() {
		if v.rep.Bad != nil || v.chain.count == 0 {
			return nil
		}
		return fmt.Errorf("%s: %w", filepath.Join(v.dir, checkpointName), errNoKey)
	}
	c, err := v.openHead(signed)
	if err == nil && (c.Slot != v.chain.slot || v.instance != "" && c.Instance != v.instance) {
		err = fmt.Errorf("the checkpoint belongs to %s", CheckpointOrigin(c.Instance, c.Slot))
	}
	if err != nil {
		if v.cover.blamed {
			v.rep.Bad = nil // a forged head called a good record bad
		}
		v.badCheckpoint(err.Error())
	}
	return nil
}

// checkSince checks who signed the heads that were kept elsewhere. One that
// nobody known signed is no finding, and takes nothing back that was found
// without it.
func (v *verifier) checkSince() error {
	if v.rep.Bad != nil && !v.cover.blamed {
		return nil
	}
	for _, head := range v.since {
		err := errNoKey
		if !v.keys.IsZero() {
			_, err = v.openHead(head.signed)
		}
		if err != nil {
			return fmt.Errorf("the earlier head: %w", err)
		}
	}
	return nil
}

// learnKey takes the key that the first record of a segment names, and compares
// it with what is known.
func (v *verifier) learnKey(r *Record) error {
	if r.Key == "" {
		return nil
	}
	key, err := parseRecordKey(r.Key)
	if err != nil {
		return err
	}
	if r.Kind == KindGenesis && InstanceID(key) != r.Instance {
		return errors.New("its key is not that of its instance")
	}
	if !v.keys.IsZero() && !v.keys.Current().Equal(key) {
		return fmt.Errorf("its key is %s, expected %s", Fingerprint(key), Fingerprint(v.keys.Current()))
	}
	if v.keys.IsZero() {
		v.keys = NewKeys(key)
	}
	return nil
}

// keptHead is a head that a reader kept elsewhere.
type keptHead struct {
	Checkpoint
	signed []byte
}

// readSince reads the heads that a reader kept elsewhere. Who signed them is
// checked once the chain has named its keys.
func readSince(bundle []byte) (map[int][]*keptHead, error) {
	if bundle == nil {
		return nil, nil
	}
	notes, err := SplitHeads(bundle)
	if err != nil {
		return nil, err
	}
	heads := map[int][]*keptHead{}
	for _, signed := range notes {
		c, err := ParseCheckpoint(signed)
		if err != nil {
			return nil, err
		}
		heads[c.Slot] = append(heads[c.Slot], &keptHead{c, signed})
	}
	return heads, nil
}

// headsOfMissing checks who signed the heads of chains that are not there. A
// key that is not known from elsewhere is that of the first chain.
func headsOfMissing(heads map[int][]*keptHead, slots []slotDir, keys Keys) error {
	for n, kept := range heads {
		if slices.ContainsFunc(slots, func(s slotDir) bool { return s.slot == n }) {
			continue
		}
		for i := 0; keys.IsZero() && i < len(slots); i++ {
			r := slotReader{slotDir: slots[i]}
			first, _, _ := r.next() // what is wrong with it is found later
			r.close()
			if key, err := parseRecordKey(first.Key); err == nil {
				keys = NewKeys(key)
			}
		}
		if keys.IsZero() {
			return errNoKey
		}
		for _, head := range kept {
			if _, _, err := keys.open(head.signed); err != nil {
				return err
			}
		}
	}
	return nil
}
