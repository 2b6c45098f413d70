package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// witnessedName is the file beside the segments that holds the newest
// checkpoint with the cosignatures of witnesses.
const witnessedName = "witnessed"

func witnessedPath(dir string) string { return filepath.Join(dir, witnessedName) }

// Chain is the directory of one slot's chain (log/NN), for those who carry its
// heads elsewhere. It is a plain value; reading takes no lock.
type Chain struct {
	Slot int
	Dir  string
}

// Chains returns the chains under a log directory, by slot.
func Chains(logDir string) ([]Chain, error) {
	slots, err := listSlots(logDir)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	list := make([]Chain, 0, len(slots))
	for _, s := range slots {
		list = append(list, Chain{Slot: s.slot, Dir: s.path})
	}
	return list, nil
}

// Head returns the newest signed checkpoint of the chain, nil where nothing was
// signed yet. Its signature is not checked.
func (c Chain) Head() ([]byte, Checkpoint, error) { return c.note(checkpointName) }

// Witnessed returns the newest checkpoint that witnesses cosigned, nil where
// there is none. No signature is checked.
func (c Chain) Witnessed() ([]byte, Checkpoint, error) { return c.note(witnessedName) }

func (c Chain) note(name string) ([]byte, Checkpoint, error) {
	signed, err := readNote(filepath.Join(c.Dir, name))
	if err != nil || signed == nil {
		return nil, Checkpoint{}, err
	}
	head, err := ParseCheckpoint(signed)
	if err == nil && head.Slot != c.Slot {
		err = errors.New("the checkpoint belongs to another slot")
	}
	if err != nil {
		return nil, head, fmt.Errorf("%w: %s: %w", ErrTampered, filepath.Join(c.Dir, name), err)
	}
	return signed, head, nil
}

// KeepWitnessed puts a checkpoint with its cosignatures beside the chain, unless
// one that counts more records lies there. One goroutine at a time MUST call it,
// of the process that holds the slot.
func (c Chain) KeepWitnessed(signed []byte) error {
	head, err := ParseCheckpoint(signed)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	if _, have, err := c.Witnessed(); err == nil && have.Size > head.Size {
		return nil
	}
	d := osDisk()
	return replaceFile(&d, c.Dir, witnessedName, signed, func() bool { return true })
}

// readNote returns what a file that holds a signed note holds, nil where there
// is none.
func readNote(path string) ([]byte, error) { return readSmall(path, maxCheckpoint+1) }

// readSmall returns what a small file holds up to limit, nil where there is none.
func readSmall(path string, limit int64) ([]byte, error) {
	f, err := openRead(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit))
}

// replaceFile puts a small file in place: a crash leaves the old one or the new
// one. keep is asked at the last moment whether it is still wanted.
func replaceFile(d *disk, dir, name string, data []byte, keep func() bool) error {
	temp := filepath.Join(dir, name+".new")
	f, err := d.open(temp, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err == nil {
		if err = d.writeFull(f, data, 0); err == nil {
			err = d.sync(f)
		}
		err = joinClose(err, f)
	}
	if err == nil && keep() {
		err = os.Rename(temp, filepath.Join(dir, name))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// Consistency proves that the first from records of the chain are still the
// beginning of what a signed head of it counts (RFC 6962, 2.1.2). The proof of
// nothing, and of everything, is empty. Where the log does not hold what was
// signed, the error wraps [ErrTampered].
func (c Chain) Consistency(from uint64, head Checkpoint) ([]tlog.Hash, error) {
	if from > head.Size {
		return nil, fmt.Errorf("audit: %d records are no beginning of %d", from, head.Size)
	}
	if from == 0 || from == head.Size {
		return nil, nil
	}
	stored, f, err := readTree(c.Dir)
	if err == nil {
		defer f.Close()
		if root, err := stored.rootOf(head.Size); err == nil && root == head.Root {
			return tlog.ProveTree(int64(head.Size), int64(from), stored)
		}
	}
	rebuilt, err := rebuildTree(c.Dir, &head)
	if err != nil {
		return nil, err
	}
	return tlog.ProveTree(int64(head.Size), int64(from), rebuilt)
}

// Cosignature is one witness's word about a head.
type Cosignature struct {
	Slot    int       `json:"slot"`
	Size    uint64    `json:"size"`
	Witness string    `json:"witness"`
	Time    time.Time `json:"time"`
}

// cosignatures returns what witnesses said of a head, the newest word of each.
func cosignatures(head *Checkpoint, signed []byte, witnesses []WitnessKey) []Cosignature {
	var list []Cosignature
	for _, w := range witnesses {
		if at, ok := w.At(signed); ok {
			list = append(list, Cosignature{head.Slot, head.Size, w.Name(), at})
		}
	}
	return list
}

// JoinHeads joins signed heads as [Heads] does.
func JoinHeads(heads [][]byte) []byte { return bytes.Join(heads, []byte{'\n'}) }
