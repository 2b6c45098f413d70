package audit

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// maxRotations bounds what a reader believes.
const maxRotations = 1000

// Keys are the public log keys of one instance in order: the first, from which
// the instance id is derived, and every key that replaced the one before it. A
// key is replaced by a rotation, a signed note over the new key that both keys
// signed, so that whoever knows the first key can follow to the last:
//
//	custos-key/v1
//	i_7QK0…
//	1
//	base64 of the new key
//
//	— custos/i_7QK0… base64 of key hash and signature by the old key
//	— custos/i_7QK0… base64 of key hash and signature by the new key
//
// The zero Keys holds none. Keys is a plain value and is never changed in
// place.
type Keys struct {
	list      []ed25519.PublicKey
	rotations []string // rotations[i] leads from list[i] to list[i+1]
}

// rotationHead begins every rotation. No checkpoint begins with it, so that
// neither can be taken for the other.
const rotationHead = "custos-key/v1"

// NewKeys returns the keys of an instance whose key was never replaced.
func NewKeys(first ed25519.PublicKey) Keys { return Keys{list: []ed25519.PublicKey{first}} }

// IsZero reports whether there is no key.
func (k Keys) IsZero() bool { return len(k.list) == 0 }

// Len returns the number of keys.
func (k Keys) Len() int { return len(k.list) }

// Instance returns the id of the instance, "" where there is no key.
func (k Keys) Instance() string {
	if k.IsZero() {
		return ""
	}
	return InstanceID(k.list[0])
}

// Current returns the key that signs now, nil where there is none.
func (k Keys) Current() ed25519.PublicKey {
	if k.IsZero() {
		return nil
	}
	return k.list[len(k.list)-1]
}

// Replaced returns the keys before the current one, the oldest first.
func (k Keys) Replaced() []ed25519.PublicKey { return k.list[:max(0, len(k.list)-1)] }

// Verifier returns the current key as a verifier key of signed notes, under the
// name of the instance.
func (k Keys) Verifier() (string, error) {
	return note.NewEd25519VerifierKey(originPrefix+k.Instance(), k.Current())
}

// Extends reports whether k holds every key of old, in the same order.
func (k Keys) Extends(old Keys) bool {
	if len(k.list) < len(old.list) {
		return false
	}
	for i := range old.list {
		if !k.list[i].Equal(old.list[i]) {
			return false
		}
	}
	return true
}

// Rotate returns the keys of the instance after next replaced old, which MUST
// be the current one.
func (k Keys) Rotate(old, next ed25519.PrivateKey) (Keys, error) {
	if !old.Public().(ed25519.PublicKey).Equal(k.Current()) {
		return Keys{}, errors.New("audit: the key to be replaced is not the current one")
	}
	text := rotationText(k.Instance(), k.Len(), next.Public().(ed25519.PublicKey))
	var signers []note.Signer
	for _, key := range []ed25519.PrivateKey{old, next} {
		v, err := noteVerifier(originPrefix+k.Instance(), key.Public().(ed25519.PublicKey))
		if err != nil {
			return Keys{}, err
		}
		signers = append(signers, noteSigner{v, key})
	}
	signed, err := note.Sign(&note.Note{Text: text}, signers...)
	if err != nil {
		return Keys{}, fmt.Errorf("audit: %w", err)
	}
	return k.after(string(signed))
}

func rotationText(instance string, n int, key ed25519.PublicKey) string {
	return fmt.Sprintf("%s\n%s\n%d\n%s\n", rotationHead, instance, n, recordKey(key))
}

// after returns the keys with one rotation more, checked.
func (k Keys) after(rotation string) (Keys, error) {
	bad := func(what string) (Keys, error) { return Keys{}, errors.New("audit: the rotation of the key " + what) }
	if k.IsZero() || k.Len() > maxRotations {
		return bad("follows no known key")
	}
	lines := strings.SplitN(rotation, "\n", 5)
	if len(lines) != 5 || len(rotation) > maxCheckpoint {
		return bad("is not one")
	}
	raw, err := base64.StdEncoding.DecodeString(lines[3])
	if err != nil || len(raw) != ed25519.PublicKeySize {
		return bad("holds no key")
	}
	next := ed25519.PublicKey(raw)
	text := rotationText(k.Instance(), k.Len(), next)
	for _, known := range k.list {
		if known.Equal(next) {
			return bad("returns to an earlier key")
		}
	}
	for _, key := range []ed25519.PublicKey{k.Current(), next} {
		v, err := noteVerifier(originPrefix+k.Instance(), key)
		if err != nil {
			return Keys{}, err
		}
		n, err := note.Open([]byte(rotation), note.VerifierList(v))
		if err != nil || n.Text != text {
			return bad("is not signed by the key before it and by the new one")
		}
	}
	return Keys{
		list:      append(k.list[:len(k.list):len(k.list)], next),
		rotations: append(k.rotations[:len(k.rotations):len(k.rotations)], rotation),
	}, nil
}

// FormatKeys returns the keys as a file to be published: the first as a
// verifier key of signed notes, then every rotation, with empty lines between
// them.
func FormatKeys(k Keys) (string, error) {
	if k.IsZero() {
		return "", errors.New("audit: there is no public log key")
	}
	text, err := FormatKey(k.list[0])
	if err != nil {
		return "", err
	}
	text += "\n"
	for _, r := range k.rotations {
		text += "\n" + r
	}
	return text, nil
}

// ParseKeys reads what [FormatKeys] returned and checks every rotation.
func ParseKeys(text string) (Keys, error) {
	first, rest, more := strings.Cut(text, "\n\n")
	key, err := ParseKey(first)
	if err != nil {
		return Keys{}, err
	}
	k := NewKeys(key)
	for more {
		var body, signatures string
		body, rest, more = strings.Cut(rest, "\n\n")
		if !more {
			return Keys{}, errors.New("audit: a rotation of the public log key ends early")
		}
		signatures, rest, more = strings.Cut(rest, "\n\n")
		rotation := body + "\n\n" + strings.TrimSuffix(signatures, "\n") + "\n"
		if k, err = k.after(rotation); err != nil {
			return Keys{}, err
		}
	}
	return k, nil
}

// Open reads a signed checkpoint. current says that the newest of the keys
// signed it; another one may have been stolen since it was replaced.
func (k Keys) Open(signed []byte) (c Checkpoint, current bool, err error) {
	c, generation, err := k.open(signed)
	return c, err == nil && generation == k.Len()-1, err
}

// open reads a signed checkpoint and returns which of the keys signed it: the
// newest that did.
func (k Keys) open(signed []byte) (c Checkpoint, generation int, err error) {
	if c, err = ParseCheckpoint(signed); err != nil {
		return c, 0, err
	}
	if c.Instance != k.Instance() {
		return c, 0, fmt.Errorf("the checkpoint belongs to instance %s, not to %s", c.Instance, k.Instance())
	}
	for i := len(k.list) - 1; i >= 0; i-- {
		if c, err = OpenCheckpoint(signed, k.list[i]); err == nil {
			return c, i, nil
		}
	}
	return c, 0, errSignature
}

// first returns the first n keys.
func (k Keys) first(n int) Keys { return Keys{list: k.list[:n], rotations: k.rotations[:n-1]} }

// generation returns the place of a key among the keys.
func (k Keys) generation(key ed25519.PublicKey) (int, bool) {
	for i := range k.list {
		if k.list[i].Equal(key) {
			return i, true
		}
	}
	return 0, false
}
