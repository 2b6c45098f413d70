// Package auditor encrypts what redaction tier 3 keeps of a call, so that its
// machine cannot read it back: to the public key of an auditor, in the format of
// age (age-encryption.org/v1). Any age implementation opens it.
package auditor

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
)

// Recipient is the public key of an auditor. It is safe for concurrent use.
type Recipient struct{ keys []age.Recipient }

// ErrIdentity is returned where an identity does not open what was encrypted.
var ErrIdentity = errors.New("auditor: this identity does not open it")

// ParseRecipient reads a recipient as `age-keygen` prints it: age1…. A secret
// key in its place is refused, and no error repeats the text.
func ParseRecipient(text string) (*Recipient, error) {
	if strings.Contains(strings.ToUpper(text), "AGE-SECRET-KEY-") {
		return nil, errors.New("auditor: this is a secret key; configuration needs the public one (age-keygen -y FILE)")
	}
	keys, err := age.ParseRecipients(strings.NewReader(text))
	if err != nil || len(keys) != 1 {
		return nil, errors.New("auditor: a recipient is one public key, age1… (age-keygen prints it)")
	}
	return &Recipient{keys}, nil
}

// Encrypt returns an age file in base64 that the recipient alone can open.
func (r *Recipient) Encrypt(plain []byte) (string, error) {
	var out bytes.Buffer
	w, err := age.Encrypt(&out, r.keys...)
	if err != nil {
		return "", fmt.Errorf("auditor: %w", err)
	}
	if _, err := w.Write(plain); err != nil {
		return "", fmt.Errorf("auditor: %w", err)
	}
	if err := w.Close(); err != nil {
		return "", fmt.Errorf("auditor: %w", err)
	}
	return base64.StdEncoding.EncodeToString(out.Bytes()), nil
}

// Decrypt opens what [Recipient.Encrypt] returned with the secret key of an
// identity file, as `age-keygen -o` writes it. Errors repeat nothing of either.
func Decrypt(sealed string, identityFile []byte) ([]byte, error) {
	identities, err := age.ParseIdentities(bytes.NewReader(identityFile))
	if err != nil {
		return nil, errors.New("auditor: not an identity file (age-keygen -o FILE writes one)")
	}
	raw, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return nil, errors.New("auditor: not base64")
	}
	r, err := age.Decrypt(bytes.NewReader(raw), identities...)
	var other *age.NoIdentityMatchError
	if errors.As(err, &other) {
		return nil, ErrIdentity
	}
	if err == nil {
		var plain []byte
		if plain, err = io.ReadAll(r); err == nil {
			return plain, nil
		}
	}
	return nil, errors.New("auditor: damaged, or not an age file")
}
