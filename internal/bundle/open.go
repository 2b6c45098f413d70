package bundle

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Trust says which bundles to accept.
type Trust struct {
	// Keys are the trusted keys. Without any, signatures are not checked, and
	// [Bundle.KeyID] says so.
	Keys []Key
	// Audience is who asks, "" where the asker has no name: it may use bundles
	// for everyone only.
	Audience string
	// Now is the time that validity is judged at.
	Now time.Time
}

// Open reads a bundle and checks everything that the bundle itself can show:
// signature, audience, validity, members. Whether a newer revision was seen is
// for the caller to know. Nothing of the manifest is read before its signature
// is checked.
func Open(data []byte, t Trust) (*Bundle, error) {
	var f file
	if err := strictly(data, &f); err != nil {
		return nil, err
	}
	if f.Version != version || f.Envelope.PayloadType != payloadType {
		return nil, fmt.Errorf("%w: it is no policy bundle of version %d", ErrMalformed, version)
	}
	b := &Bundle{Digest: "sha256:" + sum(f.Envelope.Payload)}
	if len(t.Keys) > 0 {
		key := signer(&f.Envelope, t.Keys)
		if key == nil {
			return nil, ErrSignature
		}
		b.KeyID, b.Layer = KeyID(key.Public), key.Layer
	}
	if err := strictly(f.Envelope.Payload, &b.Manifest); err != nil {
		return nil, err
	}
	if err := b.Manifest.check(); err != nil {
		return nil, err
	}
	if err := b.Manifest.usable(t); err != nil {
		return nil, err
	}
	return b, b.take(f.Members)
}

// signer returns a trusted key that signed the envelope, the one that may sign
// for any layer before others, or nil. The ids in the envelope are hints, which
// anybody could have written.
func signer(e *envelope, keys []Key) *Key {
	message := encoded(e.PayloadType, e.Payload)
	var found *Key
	for _, s := range e.Signatures {
		for i := range keys {
			k := &keys[i]
			if len(k.Public) != ed25519.PublicKeySize || !ed25519.Verify(k.Public, message, s.Sig) {
				continue
			}
			if found == nil || k.Layer == "" {
				found = k
			}
		}
	}
	return found
}

// usable judges audience and validity.
func (m *Manifest) usable(t Trust) error {
	switch {
	case len(m.Audience) > 0 && !slices.Contains(m.Audience, t.Audience):
		return fmt.Errorf("%w: it is for %s", ErrAudience, strings.Join(m.Audience, ", "))
	case t.Now.Before(m.NotBefore):
		return fmt.Errorf("%w: it is from %s on", ErrTooEarly, m.NotBefore.Format(time.RFC3339))
	case !t.Now.Before(m.NotAfter):
		return fmt.Errorf("%w: it was valid until %s", ErrExpired, m.NotAfter.Format(time.RFC3339))
	}
	return nil
}

// take compares the members with those that were signed.
func (b *Bundle) take(members []Member) error {
	if len(members) != len(b.Manifest.Members) {
		return fmt.Errorf("%w: there are %d, and %d were signed", ErrMember, len(members), len(b.Manifest.Members))
	}
	for i, d := range b.Manifest.Members {
		if members[i].Name != d.Name {
			return fmt.Errorf("%w: %q stands where %s was signed", ErrMember, members[i].Name, d.Name)
		}
		if sum(members[i].Data) != d.SHA256 {
			return fmt.Errorf("%w: %s was changed", ErrMember, d.Name)
		}
	}
	b.Members = members
	return nil
}

// errNoKey is returned for files that hold something else.
var errNoKey = errors.New("holds no Ed25519 key in PEM: openssl genpkey -algorithm ed25519 makes one")
