package audit

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// Expired says which records a log deletes because their time is over. The
// hashes of the tree stay: every head that was signed over the records can
// still be checked, and so can every proof that was made of one of them.
type Expired struct {
	// Through is the last record to go; all before it go, or are gone.
	Through uint64 `json:"through"`
	// Before is when the record after it was written.
	Before time.Time `json:"before"`
	// Missed are the readers that did not have them all.
	Missed []Missed `json:"missed,omitempty"`
}

// Missed says of a reader that records expired before it had them.
type Missed struct {
	Reader string `json:"reader"`
	// After is the last record that the reader has, Records how many go now that
	// it does not have.
	After   uint64 `json:"after"`
	Records uint64 `json:"records"`
}

// expireEvery is how often a keeper looks for what expired.
const expireEvery = time.Hour

// maxDrift is how far the wall clock may be from a steady one for anything to
// expire.
const maxDrift = 2 * time.Second

// wasSet reports whether the wall clock was set, or the machine slept, since the
// log was opened. Records that a wrong clock calls old are not deleted: the next
// process looks again.
func (k *keeper) wasSet(now time.Time) bool {
	drift := now.Sub(k.begun) - (k.log.opt.steady() - k.steady)
	return drift.Abs() > maxDrift
}

// firstKept returns how many of the oldest records of the chain in dir are no
// longer there.
func firstKept(dir string) (uint64, error) {
	list, err := listSegments(dir)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	return list[0].first - 1, nil
}

// expire deletes the segments whose records are all older than the retention,
// and that every reader has. In this order: the hashes are compared with the records and made durable, a
// record says what goes, a checkpoint counts that record, and then the files
// go, the oldest first. A crash in between leaves files that go the next time.
func (k *keeper) expire() error {
	l := k.log
	now := l.opt.Now()
	if l.opt.Retention <= 0 || k.left.Load() || !k.looked.IsZero() && now.Sub(k.looked) < l.opt.look {
		return nil
	}
	k.looked = now
	if k.wasSet(now.Round(0)) {
		return nil
	}
	old, e, err := k.overdue(now.Add(-l.opt.Retention), delivered{fetch: l.opt.Delivered})
	if err != nil || len(old) == 0 {
		return err
	}
	if err := k.keepHashes(e.Through); err != nil {
		return err
	}
	if err := l.Append(Record{Kind: KindExpired, Expired: &e}).Wait(); err != nil {
		return nil // the log ends: what is overdue goes the next time
	}
	if err := k.sign(l.Head()); err != nil {
		return err
	}
	if err := l.opt.disk.syncDir(l.dir); err != nil {
		return fmt.Errorf("expire: %w", err)
	}
	k.monitor.expired(e.Through)
	for _, s := range old {
		if err := l.opt.disk.remove(l.path(s.name)); err != nil {
			return fmt.Errorf("expire: %w", err)
		}
	}
	if err := l.opt.disk.syncDir(l.dir); err != nil {
		return fmt.Errorf("expire: %w", err)
	}
	return nil
}

// overdue returns the oldest segments that hold nothing written at or behind
// limit, nothing that no checkpoint counts, and nothing that a reader has to
// wait for. The last segment is never among them.
func (k *keeper) overdue(limit time.Time, have delivered) ([]segmentFile, Expired, error) {
	list, err := listSegments(k.log.dir)
	if err != nil {
		return nil, Expired{}, err
	}
	var e Expired
	n := 0
	for ; n+1 < len(list) && list[n+1].first-1 <= k.signed.Size; n++ {
		r := slotReader{slotDir: k.reader.slotDir, after: list[n+1].first - 1}
		first, ok, err := r.next()
		r.close()
		if err != nil {
			return nil, e, err
		}
		if !ok || !first.Time.Before(limit) {
			break
		}
		waited := k.log.opt.Undelivered > 0 && first.Time.Before(limit.Add(-k.log.opt.Undelivered))
		if !waited && !have.all(first.Seq-1) {
			break
		}
		e = Expired{Through: first.Seq - 1, Before: first.Time}
	}
	if n > 0 {
		e.Missed = have.missed(list[0].first-1, e.Through)
	}
	return list[:n], e, nil
}

// keepHashes compares the stored tree with the records that are about to go,
// and makes it durable. From then on it is all that is left of them.
func (k *keeper) keepHashes(through uint64) error {
	base, err := firstKept(k.log.dir)
	if err != nil {
		return err
	}
	t, err := storedHashes{k.tree.f}.resume(base)
	if err != nil {
		return err
	}
	want := bufio.NewReaderSize(io.NewSectionReader(k.tree.f, storedSize(base), math.MaxInt64/2), window)
	r := slotReader{slotDir: k.reader.slotDir, after: base}
	defer r.close()
	var buf []tlog.Hash
	for t.size < through {
		line, _, err := r.stored(t.size + 1)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrTampered, err)
		}
		buf = t.add(leafHash(sha256.Sum256(line)), buf[:0])
		if !sameHashes(want, buf) {
			return fmt.Errorf("%w: the hash of record %d is not the one that is kept", ErrTampered, t.size)
		}
	}
	if err := k.log.opt.disk.sync(k.tree.f); err != nil {
		return fmt.Errorf("tree: %w", err)
	}
	return nil
}

// storedSize is the length of the tree of this many records.
func storedSize(records uint64) int64 { return tlog.StoredHashCount(int64(records)) * tlog.HashSize }

// sameHashes reports whether these hashes come next.
func sameHashes(r io.Reader, want []tlog.Hash) bool {
	var h tlog.Hash
	for i := range want {
		if _, err := io.ReadFull(r, h[:]); err != nil || h != want[i] {
			return false
		}
	}
	return true
}

// errLostHashes says that of records which expired not even the hashes are left.
var errLostHashes = errors.New("the hashes of the records that expired are not those that were kept")

// expiredHashes reads what is left of the first base records, their tree, and
// checks that it is one.
func expiredHashes(dir string, base uint64) (fold, memoryHashes, error) {
	var all memoryHashes
	var t fold
	err := eachExpired(dir, base, func(leaf tlog.Hash) { all = t.add(leaf, all) })
	return t, all, err
}

// eachExpired yields the leaves of the first base records.
func eachExpired(dir string, base uint64, yield func(tlog.Hash)) error {
	if base == 0 {
		return nil
	}
	f, err := openRead(filepath.Join(dir, treeName))
	if err != nil {
		return fmt.Errorf("%w: %w", errLostHashes, err)
	}
	defer f.Close()
	in := bufio.NewReaderSize(io.NewSectionReader(f, 0, storedSize(base)), window)
	var t fold
	var buf []tlog.Hash
	var leaf tlog.Hash
	for t.size < base {
		if _, err := io.ReadFull(in, leaf[:]); err != nil {
			return fmt.Errorf("%w: %w", errLostHashes, err)
		}
		buf = t.add(leaf, buf[:0])
		if !sameHashes(in, buf[1:]) {
			return fmt.Errorf("%w, up to record %d", errLostHashes, t.size)
		}
		yield(leaf)
	}
	return nil
}

// decodeHash reads the prev of a record.
func decodeHash(prev string) (h [32]byte, err error) {
	if len(prev) != 2*len(h) {
		return h, errors.New("not a hash")
	}
	_, err = hex.Decode(h[:], []byte(prev))
	return h, err
}
