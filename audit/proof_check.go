package audit

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Proven is what a proof shows.
type Proven struct {
	// Key is the key that signed the head, Embedded that it came with the proof:
	// then the reader has to compare its fingerprint.
	Key      ed25519.PublicKey
	Embedded bool
	// Head is the signed head that counts the records.
	Head Checkpoint
	// Records are those of one call, the admission first, and Lines the bytes
	// that were signed.
	Records []Record
	Lines   []string
}

// errOldKey refuses a head whose key was replaced: whoever stole the key could
// have signed it yesterday.
var errOldKey = errors.New("the head is signed by a key that was replaced: ask for a new proof")

// CheckProof checks what [Prove] returned. It needs no log. keys are the public
// log keys as they are known from elsewhere; the zero Keys stands for those of
// the proof. An error that wraps [ErrTampered] means that the proof is false,
// one that wraps [ErrCannotVerify] that it cannot be read, or shows nothing.
func CheckProof(data []byte, keys Keys) (Proven, error) {
	var p proof
	if len(data) > maxProof {
		return Proven{}, fmt.Errorf("%w: the proof is larger than %d bytes", ErrCannotVerify, maxProof)
	}
	if err := json.Unmarshal(data, &p); err != nil {
		return Proven{}, fmt.Errorf("%w: not a proof: %w", ErrCannotVerify, err)
	}
	if p.Format != proofFormat {
		return Proven{}, fmt.Errorf("%w: not a proof of a format that this version knows", ErrCannotVerify)
	}
	out := Proven{Embedded: keys.IsZero()}
	embedded, err := ParseKeys(p.Key)
	switch {
	case err == nil && embedded.Extends(keys):
		keys = embedded
	case keys.IsZero():
		return out, fmt.Errorf("%w: %w", ErrCannotVerify, err)
	}
	err = out.check(&p, keys)
	if errors.Is(err, errOldKey) {
		return Proven{}, fmt.Errorf("%w: %w", ErrCannotVerify, err)
	}
	if err != nil {
		return Proven{}, fmt.Errorf("%w: the proof does not hold: %w", ErrTampered, err)
	}
	return out, nil
}

// check follows every path to the signed root.
func (v *Proven) check(p *proof, keys Keys) error {
	head, generation, err := keys.open([]byte(p.Checkpoint))
	if err != nil {
		return err
	}
	if generation+1 < keys.Len() {
		return errOldKey
	}
	v.Key = keys.Current()
	if len(p.Records) == 0 {
		return errors.New("it holds no record")
	}
	v.Head = head
	for i := range p.Records {
		if err := v.record(p, &p.Records[i]); err != nil {
			return err
		}
	}
	return v.oneCall()
}

// record checks one record.
func (v *Proven) record(p *proof, r *provenLine) error {
	path := make(tlog.RecordProof, 0, len(r.Path))
	for _, i := range r.Path {
		if i < 0 || i >= len(p.Hashes) {
			return errors.New("a path leads nowhere")
		}
		path = append(path, p.Hashes[i])
	}
	rec, err := Decode([]byte(r.Line))
	if err != nil {
		return err
	}
	if rec.Slot != v.Head.Slot || rec.Seq > v.Head.Size {
		return fmt.Errorf("record %s is not one that the head counts", rec.ID())
	}
	if err := tlog.CheckRecord(path, int64(v.Head.Size), v.Head.Root, int64(rec.Seq-1), leafHash(sha256.Sum256([]byte(r.Line)))); err != nil {
		return fmt.Errorf("record %s: %w", rec.ID(), err)
	}
	v.Records, v.Lines = append(v.Records, rec), append(v.Lines, r.Line)
	return nil
}

// oneCall checks that later records belong to the first.
func (v *Proven) oneCall() error {
	for i := range v.Records[1:] {
		if r := &v.Records[i+1]; r.Admission != v.Records[0].Seq && !r.answersFor(&v.Records[0]) {
			return fmt.Errorf("record %s does not belong to %s", r.ID(), v.Records[0].ID())
		}
	}
	return nil
}
