package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"
	"time"
)

// checkpointEvery is how often a chain that grows is signed.
const checkpointEvery = time.Second

// keeper keeps the Merkle tree of a chain and signs its head. It works beside
// the writer and reads the records back from the segments, so that no caller
// waits for it, and no further than they are durable, so that a checkpoint may
// lag behind the log and never leads it.
//
// What it reads MUST be what was written: each record continues the one before
// it, up to the head that the writer holds in memory. Anything else was changed
// on disk meanwhile and is not signed.
type keeper struct {
	log    *Log
	signed Checkpoint // the newest
	tree   *treeFile
	reader slotReader
	last   [sha256.Size]byte // hash of the record read last
	poke   chan struct{}     // there is something new; holds one token
	done   chan struct{}
	looked time.Time // for what expired
	begun  time.Time // on the wall clock, when steady was
	steady time.Duration
	left   atomic.Bool // Close did not wait: the slot may be another's
	told   atomic.Pointer[func()]

	monitor  monitor
	patrol   *time.Timer   // when the monitor has something to do
	suspect  chan struct{} // the writer saw something strange; holds one token
	lastLook time.Time
}

// newKeeper prepares the keeper of l, which continues behind signed.
func newKeeper(l *Log, signed Checkpoint) *keeper {
	k := &keeper{
		log: l, signed: signed,
		reader: slotReader{slotDir: slotDir{slot: l.opt.Slot, path: l.dir}},
		poke:   make(chan struct{}, 1), done: make(chan struct{}),
		patrol: time.NewTimer(l.opt.patrol), suspect: make(chan struct{}, 1), lastLook: time.Now(),
	}
	k.monitor.k = k
	k.begun, k.steady = l.opt.Now().Round(0), l.opt.steady()
	return k
}

// notice tells the keeper that records became durable. It never waits.
func (k *keeper) notice() {
	if k == nil {
		return
	}
	select {
	case k.poke <- struct{}{}:
	default:
	}
}

// run signs at most once in each period, and once more at an orderly end.
func (k *keeper) run() {
	defer close(k.done)
	defer k.close()
	pause := time.NewTimer(k.log.opt.every)
	pause.Stop()
	poke := k.poke // nil while a pass is planned
	for {
		select {
		case <-poke:
			poke = nil
			pause.Reset(k.log.opt.every)
		case <-pause.C:
			poke = k.poke
			k.pass()
		case <-k.patrol.C:
			k.watch(time.Since(k.lastLook) >= k.log.opt.patrol)
		case <-k.suspect:
			k.watch(true)
		case <-k.log.stopped:
			k.pass()
			return
		}
	}
}

// watch has the monitor look, or hash on. What it finds is said in a last
// record, where one can still be written, and ends the log.
func (k *keeper) watch(due bool) {
	if k.log.Err() != nil || k.left.Load() {
		return
	}
	if due {
		k.lastLook = time.Now()
	}
	if err := k.monitor.work(due); err != nil {
		k.log.condemn(err)
		return
	}
	k.patrol.Reset(k.monitor.next(time.Since(k.lastLook)))
}

// pass brings tree and checkpoint up to what is durable. A failure ends the
// log: evidence that can no longer be signed is a malfunction like one that can
// no longer be written.
func (k *keeper) pass() {
	head := k.log.Head()
	if k.log.Err() != nil || head.Seq == k.signed.Size {
		return
	}
	err := k.sign(head)
	if err == nil {
		err = k.expire()
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = found("files of the chain are gone: %w", err) // nobody else takes them away
	}
	if err != nil {
		k.log.poison(err)
	}
}

// sign follows the records to head and signs it.
func (k *keeper) sign(head Head) error {
	if k.tree == nil {
		base, err := firstKept(k.log.dir)
		if err != nil {
			return err
		}
		t, err := openTree(k.log.opt.disk, k.log.dir, k.signed, base)
		if err != nil {
			return err
		}
		k.tree, k.reader.after = t, t.size
	}
	if err := k.follow(head); err != nil {
		return err
	}
	if err := k.tree.flush(); err != nil {
		return err
	}
	c := Checkpoint{Instance: k.log.opt.Instance, Slot: k.log.opt.Slot, Size: head.Seq, Root: k.tree.root()}
	signed, err := c.Sign(k.log.opt.Key)
	if err != nil {
		return err
	}
	wanted := func() bool { return !k.left.Load() }
	if err := replaceFile(k.log.opt.disk, k.log.dir, checkpointName, signed, wanted); err != nil {
		return err
	}
	k.signed = c
	if tell := k.told.Load(); tell != nil {
		(*tell)()
	}
	return nil
}

// follow adds the records up to head to the tree.
func (k *keeper) follow(head Head) error {
	for k.tree.size < head.Seq && !k.left.Load() {
		line, ok, err := k.reader.line()
		if err != nil {
			return err
		}
		h, isRecord := peek(line)
		switch {
		case !ok:
			return fmt.Errorf("%w: record %d is gone", ErrTampered, k.tree.size+1)
		case !isRecord || h.seq > k.tree.size+1:
			return fmt.Errorf("%w: record %d expected", ErrTampered, k.tree.size+1)
		case h.seq <= k.tree.size:
			continue // in the frame of the record that was signed last
		}
		if k.last != [sha256.Size]byte{} && string(h.prev) != hex.EncodeToString(k.last[:]) {
			return fmt.Errorf("%w: record %d %s", ErrTampered, h.seq, misfit)
		}
		k.last = sha256.Sum256(line)
		k.reader.after = h.seq
		if err := k.tree.append(k.last); err != nil {
			return err
		}
		if k.tree.size == k.signed.Size && k.tree.root() != k.signed.Root {
			return fmt.Errorf("%w: the records up to %d are not those that were signed", ErrTampered, k.signed.Size)
		}
	}
	if k.left.Load() {
		return nil
	}
	if k.last != head.Hash {
		return fmt.Errorf("%w: record %d is not the one that was written", ErrTampered, head.Seq)
	}
	return nil
}

// close gives the files back.
func (k *keeper) close() {
	k.reader.close()
	k.patrol.Stop()
	k.monitor.close()
	if k.tree != nil {
		_ = k.tree.f.Close() // derived, and nothing in it is waited for
	}
}

// finish waits for the last checkpoint, but not for a disk that hangs: then the
// next process signs what is missing.
func (k *keeper) finish(deadline time.Duration) {
	if k == nil {
		return
	}
	t := time.NewTimer(deadline)
	defer t.Stop()
	select {
	case <-k.done:
	case <-t.C:
		k.left.Store(true)
	}
}

// OnSigned has f called after every checkpoint, beside the writer. f MUST NOT
// wait for anything. A log without a key calls nobody.
func (l *Log) OnSigned(f func()) {
	if l.keeper != nil {
		l.keeper.told.Store(&f)
	}
}
