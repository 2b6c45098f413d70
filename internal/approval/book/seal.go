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

// hiding begins what is sealed of a call of which something is to be shown to
// nobody: where stands in a line of JSON, and the params follow. No JSON text
// begins so.
const hiding = "secrets "

// packed is what is sealed of a request.
func packed(r *approval.Request) (string, error) {
	if len(r.Secrets) == 0 {
		return r.Params, nil
	}
	where, err := json.Marshal(r.Secrets)
	return hiding + string(where) + "\n" + r.Params, err
}

// unpack is the inverse of packed.
func unpack(text string, r *approval.Request) error {
	rest, hides := strings.CutPrefix(text, hiding)
	if !hides {
		r.Params = text
		return nil
	}
	where, params, _ := strings.Cut(rest, "\n")
	r.Params = params
	return json.Unmarshal([]byte(where), &r.Secrets)
}
