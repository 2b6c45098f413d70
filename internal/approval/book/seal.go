package book

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
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
