package audit

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"
)

// treeName is the file beside the segments that holds the hashes of the
// chain's Merkle tree (RFC 6962), 32 bytes each, in the order of
// [tlog.StoredHashIndex]. It is derived: whoever doubts it computes it anew
// from the records.
const treeName = "tree"

// leafHash returns the leaf of a record. The entry of the tree is the record's
// hash, the one that the next record carries, so that a reader who follows the
// chain hashes each record once.
func leafHash(record [sha256.Size]byte) tlog.Hash {
	var b [1 + sha256.Size]byte // begins with the prefix of a leaf, 0
	copy(b[1:], record[:])
	return sha256.Sum256(b[:])
}

// nodeHash is [tlog.NodeHash] without its allocations.
func nodeHash(left, right *tlog.Hash) tlog.Hash {
	var b [1 + 2*tlog.HashSize]byte
	b[0] = 1 // the prefix of an inner node
	copy(b[1:], left[:])
	copy(b[1+tlog.HashSize:], right[:])
	return sha256.Sum256(b[:])
}

// fold computes a Merkle tree while its leaves come by, in little memory: it
// keeps the root of each complete subtree that has no right sibling yet.
type fold struct {
	size  uint64
	peaks [64]tlog.Hash
}

// add takes the next leaf and appends the hashes that it completes: the leaf
// and every inner node above it whose last leaf this is.
func (t *fold) add(leaf tlog.Hash, stored []tlog.Hash) []tlog.Hash {
	stored = append(stored, leaf)
	level := 0
	for ; t.size>>level&1 == 1; level++ {
		leaf = nodeHash(&t.peaks[level], &leaf)
		stored = append(stored, leaf)
	}
	t.peaks[level] = leaf
	t.size++
	return stored
}

// root returns the root of the leaves so far.
func (t *fold) root() tlog.Hash {
	var root tlog.Hash
	some := false
	for level := range t.peaks {
		switch {
		case t.size>>level&1 == 0:
		case !some:
			root, some = t.peaks[level], true
		default:
			root = nodeHash(&t.peaks[level], &root)
		}
	}
	if !some {
		return emptyRoot()
	}
	return root
}

// emptyRoot is the root of a tree without leaves: the hash of nothing.
func emptyRoot() tlog.Hash {
	h, err := tlog.TreeHash(0, nil)
	if err != nil {
		return tlog.Hash{}
	}
	return h
}

// storedHashes reads the hashes of a tree from its file.
type storedHashes struct{ r io.ReaderAt }

// ReadHashes implements [tlog.HashReader].
func (s storedHashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		if _, err := s.r.ReadAt(hashes[i][:], at*tlog.HashSize); err != nil {
			return nil, fmt.Errorf("tree: hash %d: %w", at, err)
		}
	}
	return hashes, nil
}

// rootOf returns the root of the first size leaves as the stored hashes say.
func (s storedHashes) rootOf(size uint64) (tlog.Hash, error) {
	return tlog.TreeHash(int64(size), s)
}

// resume returns the fold of the first size leaves.
func (s storedHashes) resume(size uint64) (fold, error) {
	t := fold{size: size}
	var levels []int
	var indexes []int64
	for level := range t.peaks {
		if size>>level&1 == 1 {
			levels = append(levels, level)
			indexes = append(indexes, tlog.StoredHashIndex(level, int64(size>>level)-1))
		}
	}
	hashes, err := s.ReadHashes(indexes)
	if err != nil {
		return fold{}, err
	}
	for i, level := range levels {
		t.peaks[level] = hashes[i]
	}
	return t, nil
}

// treeFile is the tree of one chain as its keeper writes it.
type treeFile struct {
	fold
	disk    *disk
	f       *os.File
	pending []byte
	off     int64 // where pending goes
	scratch []tlog.Hash
}

// openTree opens the tree of the chain in dir as it was when a checkpoint was
// signed. What lies behind it was never vouched for and is computed anew. Where
// the file does not have the root that was signed, or nothing was signed, the
// tree begins at base, behind the records that expired: their hashes were made
// durable before they were deleted.
func openTree(d *disk, dir string, signed Checkpoint, base uint64) (*treeFile, error) {
	path := filepath.Join(dir, treeName)
	f, err := d.open(path, os.O_RDWR)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = d.open(path, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	}
	if err != nil {
		return nil, fmt.Errorf("tree: %w", err)
	}
	t := &treeFile{disk: d, f: f}
	stored := storedHashes{f}
	size := signed.Size
	if root, err := stored.rootOf(size); err != nil || root != signed.Root {
		size = base
	}
	if t.fold, err = stored.resume(size); err != nil {
		f.Close()
		return nil, fmt.Errorf("%w: the hashes of expired records are gone: %w", ErrTampered, err)
	}
	t.off = tlog.StoredHashCount(int64(t.size)) * tlog.HashSize
	return t, nil
}

// append adds the next record by its hash.
func (t *treeFile) append(record [sha256.Size]byte) error {
	t.scratch = t.add(leafHash(record), t.scratch[:0])
	for i := range t.scratch {
		t.pending = append(t.pending, t.scratch[i][:]...)
	}
	if len(t.pending) < window {
		return nil
	}
	return t.flush()
}

// flush writes what is pending. It is not made durable: a tree that a crash
// shortens is computed anew.
func (t *treeFile) flush() error {
	if err := t.disk.writeFull(t.f, t.pending, t.off); err != nil {
		return fmt.Errorf("tree: %w", err)
	}
	t.off += int64(len(t.pending))
	t.pending = t.pending[:0]
	return nil
}

// readTree returns the stored hashes of the chain in dir, and a way to close
// them.
func readTree(dir string) (storedHashes, *os.File, error) {
	f, err := openRead(filepath.Join(dir, treeName))
	return storedHashes{f}, f, err
}
