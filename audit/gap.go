package audit

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// LastGood is the record that a chain goes on from after its log failed.
type LastGood struct {
	Seq  uint64 `json:"seq"`
	Hash string `json:"hash"`
}

// gapRecord says that the log failed and where it goes on. It stands in a new
// segment, and the key of the log signs it: whoever cuts records off cannot
// pass it for a failure.
func gapRecord(c *Breadcrumb, head Head, opt *Options) Record {
	r := Record{
		Kind: KindGap, Detail: fmt.Sprintf("the log failed after record %d: %s", c.Seq, strings.ToValidUTF8(c.Error, "?")),
		LastGood: &LastGood{Seq: head.Seq, Hash: head.prev()},
	}
	if opt.Key != nil {
		text := r.gapText(CheckpointOrigin(opt.Instance, opt.Slot))
		r.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(opt.Key, text))
	}
	return r
}

// gapText returns what is signed in a gap record: the cause by its SHA-256, so
// that it is one line whatever it says.
func (r *Record) gapText(origin string) []byte {
	return fmt.Appendf(nil, "custos gap\n%s\n%d\n%s\n%x\n", origin, r.LastGood.Seq, r.LastGood.Hash, sha256.Sum256([]byte(r.Detail)))
}

// checkGap checks a gap record of a chain whose current segment goes on from
// the record before.
func checkGap(line []byte, before Head, instance string, key ed25519.PublicKey) error {
	r, err := Decode(line)
	if err != nil {
		return err
	}
	if r.LastGood == nil || r.LastGood.Seq != before.Seq || r.LastGood.Hash != before.prev() {
		return errors.New("names another record than the one that its segment goes on from")
	}
	if key == nil {
		return nil
	}
	sig, err := base64.StdEncoding.DecodeString(r.Signature)
	if err != nil || !ed25519.Verify(key, r.gapText(CheckpointOrigin(instance, r.Slot)), sig) {
		return errors.New("the gap is not signed by the key of this log")
	}
	return nil
}
