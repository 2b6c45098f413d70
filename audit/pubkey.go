package audit

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// InstanceID derives an instance's id from its public log key: "i_" and 80 bits
// of its SHA-256 in Crockford's base 32, enough that nobody makes a second key
// with the same id.
func InstanceID(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	id := []byte("i_")
	var acc, bits uint
	for _, b := range sum[:10] {
		acc, bits = acc<<8|uint(b), bits+8
		for bits >= 5 {
			bits -= 5
			id = append(id, crockford[acc>>bits&31])
		}
	}
	return string(id)
}

// Fingerprint returns what people compare: "sha256:" and the digest of the key.
func Fingerprint(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// FormatKey returns the public log key as a verifier key of signed notes
// (C2SP signed-note), one line without its newline.
func FormatKey(key ed25519.PublicKey) (string, error) {
	return note.NewEd25519VerifierKey(originPrefix+InstanceID(key), key)
}

// ParseKey reads what [FormatKey] returned.
func ParseKey(text string) (ed25519.PublicKey, error) {
	text = strings.TrimSpace(text)
	bad := errors.New("audit: not a public log key (expected one line as custos audit key publish writes it)")
	if _, err := note.NewVerifier(text); err != nil {
		return nil, bad
	}
	name, rest, _ := strings.Cut(text, "+")
	_, body, _ := strings.Cut(rest, "+")
	raw, err := base64.StdEncoding.DecodeString(body)
	if err != nil || len(raw) != 1+ed25519.PublicKeySize {
		return nil, bad
	}
	key := ed25519.PublicKey(raw[1:])
	if name != originPrefix+InstanceID(key) {
		return nil, errors.New("audit: the name of the public log key is not that of its instance")
	}
	return key, nil
}

// recordKey is the key as a genesis record carries it.
func recordKey(key ed25519.PublicKey) string { return base64.StdEncoding.EncodeToString(key) }

// parseRecordKey reads the key of a genesis record.
func parseRecordKey(text string) (ed25519.PublicKey, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) != ed25519.PublicKeySize {
		return nil, errors.New("its key is not an Ed25519 key")
	}
	return raw, nil
}
