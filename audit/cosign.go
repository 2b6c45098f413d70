package audit

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// cosignatureType tells keys of cosignatures from those of other signatures
// (C2SP tlog-cosignature).
const cosignatureType = 0x04

// timestampSize is the size of the time in a cosignature.
const timestampSize = 8

// WitnessKey is the public key of a witness. It implements [note.Verifier] for
// cosignature/v1 (C2SP tlog-cosignature): a signed statement that a checkpoint
// was the largest consistent one that the witness had seen at a time.
type WitnessKey struct {
	name string
	key  ed25519.PublicKey
}

// NewWitnessKey returns the key of a witness of this name.
func NewWitnessKey(name string, key ed25519.PublicKey) WitnessKey { return WitnessKey{name, key} }

// ParseWitnessKey reads a verifier key of a witness, one line:
// name+hash+base64 of the type 0x04 and the Ed25519 key.
func ParseWitnessKey(text string) (WitnessKey, error) {
	bad := errors.New("audit: not the public key of a witness (expected one line as custos audit witness key prints it)")
	name, rest, _ := strings.Cut(strings.TrimSpace(text), "+")
	_, body, _ := strings.Cut(rest, "+")
	raw, err := base64.StdEncoding.DecodeString(body)
	if err != nil || name == "" || strings.ContainsAny(name, " \n+") || len(raw) != 1+ed25519.PublicKeySize || raw[0] != cosignatureType {
		return WitnessKey{}, bad
	}
	w := WitnessKey{name, raw[1:]}
	if w.String() != strings.TrimSpace(text) {
		return WitnessKey{}, bad
	}
	return w, nil
}

// String returns the key as a verifier key.
func (w WitnessKey) String() string {
	return fmt.Sprintf("%s+%08x+%s", w.name, w.KeyHash(), base64.StdEncoding.EncodeToString(w.typed()))
}

func (w WitnessKey) typed() []byte { return append([]byte{cosignatureType}, w.key...) }

// Name returns the name of the witness.
func (w WitnessKey) Name() string { return w.name }

// KeyHash returns what tells its signatures from others of the same name.
func (w WitnessKey) KeyHash() uint32 {
	sum := sha256.Sum256(append([]byte(w.name+"\n"), w.typed()...))
	return binary.BigEndian.Uint32(sum[:])
}

// Verify reports whether sig, a time and a signature, is a cosignature of the
// text of a checkpoint.
func (w WitnessKey) Verify(text, sig []byte) bool {
	if len(sig) != timestampSize+ed25519.SignatureSize {
		return false
	}
	at := binary.BigEndian.Uint64(sig)
	return at < 1<<63 && ed25519.Verify(w.key, cosigned(at, text), sig[timestampSize:])
}

// cosigned returns what a witness signs.
func cosigned(at uint64, text []byte) []byte {
	return append(fmt.Appendf(nil, "cosignature/v1\ntime %d\n", at), text...)
}

// At returns when the witness cosigned a checkpoint; ok is false where it did
// not.
func (w WitnessKey) At(signed []byte) (at time.Time, ok bool) {
	n, err := note.Open(signed, note.VerifierList(w))
	if err != nil {
		return time.Time{}, false
	}
	for _, s := range n.Sigs {
		raw, err := base64.StdEncoding.DecodeString(s.Base64)
		if err != nil || len(raw) < 4+timestampSize {
			continue
		}
		if t := time.Unix(int64(binary.BigEndian.Uint64(raw[4:])), 0).UTC(); t.After(at) {
			at, ok = t, true
		}
	}
	return at, ok
}

// Lines returns the signature lines of the witness under a checkpoint, and
// nothing that others wrote there.
func (w WitnessKey) Lines(signed []byte) []byte {
	n, err := note.Open(signed, note.VerifierList(w))
	if err != nil {
		return nil
	}
	var lines []byte
	for _, s := range n.Sigs {
		lines = fmt.Appendf(lines, "— %s %s\n", s.Name, s.Base64)
	}
	return lines
}

// Cosigner is a witness's own key.
type Cosigner struct {
	WitnessKey
	private ed25519.PrivateKey
}

// NewCosigner returns a witness of this name. The key MUST be used for nothing
// else.
func NewCosigner(name string, key ed25519.PrivateKey) Cosigner {
	return Cosigner{NewWitnessKey(name, key.Public().(ed25519.PublicKey)), key}
}

// Cosign returns the signature line over a checkpoint, with its newline. The
// caller MUST have checked that the checkpoint continues every earlier one.
func (c Cosigner) Cosign(signed []byte, at time.Time) ([]byte, error) {
	text, _, ok := bytes.Cut(signed, []byte("\n\n"))
	if !ok || at.Unix() < 0 {
		return nil, errors.New("audit: not a checkpoint")
	}
	text = append(text[:len(text):len(text)], '\n')
	sig := binary.BigEndian.AppendUint32(nil, c.KeyHash())
	sig = binary.BigEndian.AppendUint64(sig, uint64(at.Unix()))
	sig = append(sig, ed25519.Sign(c.private, cosigned(uint64(at.Unix()), text))...)
	return fmt.Appendf(nil, "— %s %s\n", c.name, base64.StdEncoding.EncodeToString(sig)), nil
}
