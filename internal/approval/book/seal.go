package book

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"

	"github.com/custos-zt/custos/internal/approval"
)

// KeyPurpose is what the key of a state directory's book is derived for.
const KeyPurpose = "custos approvals: what calls ask for"

// sealer returns AES-256-GCM under a key.
func sealer(key [32]byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// sealed encrypts text, bound to what it belongs to.
func (b *Book) sealed(text string, binding [32]byte) ([]byte, error) {
	nonce := make([]byte, b.seal.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	return b.seal.Seal(nonce, nonce, []byte(text), binding[:]), nil
}

// errSealed says that a row was written by somebody without the key, or moved.
var errSealed = errors.New("what was asked for cannot be read: the row was not written by this instance")

func (b *Book) unsealed(box []byte, binding [32]byte) (string, error) {
	n := b.seal.NonceSize()
	if len(box) < n {
		return "", errSealed
	}
	text, err := b.seal.Open(nil, box[:n], box[n:], binding[:])
	if err != nil {
		return "", errSealed
	}
	return string(text), nil
}

// about begins what is sealed of a call of which more is kept than its params:
// what that is stands in a line of JSON, and the params follow. No JSON text
// begins so.
const about = "about "

// aside is what is kept of a request beside its params.
type aside struct {
	Secrets [][]string `json:"secrets,omitempty"`
	Paths   []string   `json:"paths,omitempty"`
}

// packed is what is sealed of a request.
func packed(r *approval.Request) (string, error) {
	if len(r.Secrets) == 0 && len(r.Paths) == 0 {
		return r.Params, nil
	}
	more, err := json.Marshal(aside{r.Secrets, r.Paths})
	return about + string(more) + "\n" + r.Params, err
}

// unpack is the inverse of packed.
func unpack(text string, r *approval.Request) error {
	rest, more := strings.CutPrefix(text, about)
	if !more {
		r.Params = text
		return nil
	}
	kept, params, _ := strings.Cut(rest, "\n")
	var a aside
	err := json.Unmarshal([]byte(kept), &a)
	r.Params, r.Secrets, r.Paths = params, a.Secrets, a.Paths
	return err
}
