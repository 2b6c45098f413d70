package audit

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	// checkpointName is the file beside the segments that holds the newest
	// checkpoint.
	checkpointName = "checkpoint"
	// maxCheckpoint is what a reader believes.
	maxCheckpoint = 8 << 10
	originPrefix  = "custos/"
)

// Checkpoint is the head of a chain's Merkle tree: how many records there are
// and the root over all of them. Signed by the instance's key, it is a promise
// about those records that nobody can take back.
//
// Its signed form is a C2SP tlog-checkpoint, a signed note whose key name is
// the origin:
//
//	custos/i_7QK0…/00
//	4711
//	base64 of the root
//
//	— custos/i_7QK0…/00 base64 of key hash and Ed25519 signature
type Checkpoint struct {
	Instance string
	Slot     int
	Size     uint64 // records 1 to Size
	Root     tlog.Hash
}

// CheckpointOrigin returns the unique name of one chain of an instance.
func CheckpointOrigin(instance string, slot int) string {
	return originPrefix + instance + "/" + SlotName(slot)
}

// body returns what is signed.
func (c *Checkpoint) body() string {
	return fmt.Sprintf("%s\n%d\n%s\n", CheckpointOrigin(c.Instance, c.Slot), c.Size, c.Root)
}

// Sign returns the checkpoint as a signed note.
func (c *Checkpoint) Sign(key ed25519.PrivateKey) ([]byte, error) {
	v, err := noteVerifier(CheckpointOrigin(c.Instance, c.Slot), key.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, err
	}
	return note.Sign(&note.Note{Text: c.body()}, noteSigner{v, key})
}

// noteSigner signs notes with a key that never leaves it.
type noteSigner struct {
	note.Verifier
	key ed25519.PrivateKey
}

func (s noteSigner) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(s.key, msg), nil }

// noteVerifier returns the note verifier of a key under a name.
func noteVerifier(name string, key ed25519.PublicKey) (note.Verifier, error) {
	text, err := note.NewEd25519VerifierKey(name, key)
	if err != nil {
		return nil, fmt.Errorf("audit: key: %w", err)
	}
	return note.NewVerifier(text)
}

// errSignature marks a checkpoint that the key at hand did not sign.
var errSignature = errors.New("the checkpoint is not signed by the key of this log")

// OpenCheckpoint reads a signed checkpoint and checks that key signed it.
func OpenCheckpoint(signed []byte, key ed25519.PublicKey) (Checkpoint, error) {
	c, err := ParseCheckpoint(signed)
	if err != nil {
		return c, err
	}
	v, err := noteVerifier(CheckpointOrigin(c.Instance, c.Slot), key)
	if err != nil {
		return c, err
	}
	n, err := note.Open(signed, note.VerifierList(v))
	if err != nil || n.Text != c.body() {
		return c, errSignature
	}
	return c, nil
}

// ParseCheckpoint reads the text of a checkpoint and no signature. Lines after
// the root are refused: this log never writes any.
func ParseCheckpoint(signed []byte) (Checkpoint, error) {
	text, _, ok := strings.Cut(string(signed), "\n\n")
	lines := strings.Split(text, "\n")
	if !ok || len(signed) > maxCheckpoint || len(lines) != 3 {
		return Checkpoint{}, errors.New("not a checkpoint: expected origin, size, root and a signature")
	}
	c := Checkpoint{}
	name, isOurs := strings.CutPrefix(lines[0], originPrefix)
	instance, slot, found := strings.Cut(name, "/")
	n, err := strconv.Atoi(slot)
	if !isOurs || !found || instance == "" || err != nil || n < 0 || n >= MaxSlots || SlotName(n) != slot {
		return c, errors.New("not a checkpoint of a Custos log: " + strconv.Quote(lines[0]))
	}
	c.Instance, c.Slot = instance, n
	size, err := strconv.ParseUint(lines[1], 10, 64)
	if err != nil || size > maxSeq || strconv.FormatUint(size, 10) != lines[1] {
		return c, errors.New("not a checkpoint: the size is not a number")
	}
	c.Size = size
	if c.Root, err = tlog.ParseHash(lines[2]); err != nil {
		return c, errors.New("not a checkpoint: the root is not a hash")
	}
	return c, nil
}

// readCheckpoint returns the newest signed checkpoint of the chain in dir; nil
// where there is none.
func readCheckpoint(dir string) ([]byte, error) { return readNote(filepath.Join(dir, checkpointName)) }

// ownCheckpoint returns the newest checkpoint of the chain that is about to be
// continued; the zero Checkpoint where there is none yet.
func ownCheckpoint(dir string, opt *Options) (Checkpoint, error) {
	none := Checkpoint{Instance: opt.Instance, Slot: opt.Slot, Root: emptyRoot()}
	if opt.Key == nil {
		return none, nil
	}
	signed, err := readCheckpoint(dir)
	if err != nil {
		return none, fmt.Errorf("audit: %w", err)
	}
	if signed == nil {
		return none, nil
	}
	c, _, err := opt.Keys.open(signed)
	if err == nil && c.Slot != opt.Slot {
		err = errSignature
	}
	if err != nil {
		return none, fmt.Errorf("%w: %s: %w", ErrTampered, filepath.Join(dir, checkpointName), err)
	}
	return c, nil
}

// Heads returns the newest signed checkpoint of every chain, one after the
// other with an empty line between them, to be kept where the log's owner
// cannot reach it. The signatures are not checked: that is [Verify] with
// Since.
func Heads(logDir string) ([]byte, []Checkpoint, error) {
	slots, err := listSlots(logDir)
	if err != nil {
		return nil, nil, fmt.Errorf("audit: %w", err)
	}
	var bundle [][]byte
	var list []Checkpoint
	for _, s := range slots {
		signed, err := readCheckpoint(s.path)
		if err != nil {
			return nil, nil, fmt.Errorf("audit: %w", err)
		}
		if signed == nil {
			continue
		}
		c, err := ParseCheckpoint(signed)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: %s: %w", ErrTampered, filepath.Join(s.path, checkpointName), err)
		}
		bundle, list = append(bundle, signed), append(list, c)
	}
	return JoinHeads(bundle), list, nil
}

// SplitHeads takes apart what [Heads] returned. No signature is checked.
func SplitHeads(bundle []byte) ([][]byte, error) {
	blocks := strings.Split(strings.TrimSuffix(string(bundle), "\n"), "\n\n")
	if len(blocks)%2 != 0 {
		return nil, errors.New("not a file of checkpoints")
	}
	var list [][]byte
	for i := 0; i < len(blocks); i += 2 {
		list = append(list, []byte(blocks[i]+"\n\n"+blocks[i+1]+"\n"))
	}
	return list, nil
}
