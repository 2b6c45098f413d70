// Package bundle signs policies: one file that holds policy files, what they
// are called, and the signature of whoever answers for them.
//
// The file is JSON. Its envelope is a DSSE envelope with one Ed25519 signature
// or more over a manifest; the manifest holds the digest of every member, the
// revision, the audience and the validity. What the manifest does not name is
// not in the bundle, and what it names is there as it was signed.
//
//	{"custos_bundle": 1,
//	 "envelope": {"payloadType": "application/vnd.custos.policy-bundle+json",
//	              "payload": BASE64, "signatures": [{"keyid": …, "sig": BASE64}]},
//	 "members": [{"name": "laptop.yaml", "data": BASE64}]}
//
// A signature says who wrote a policy; it does not say that the policy is the
// newest one. The revision does, for those who remember the highest they saw.
package bundle

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Manifest is what is signed.
type Manifest struct {
	Version int `json:"version"` // of the format: 1
	// Name tells the revisions of one policy from those of another.
	Name     string `json:"name"`
	Revision uint64 `json:"revision"`
	// Audience lists who may use the bundle; empty is everyone who trusts the
	// key.
	Audience []string `json:"audience,omitempty"`
	// NotBefore and NotAfter bound the time in which it may be activated.
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
	Members   []Digest  `json:"members"`
}

// Digest is a member in the manifest.
type Digest struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"` // 64 hexadecimal digits
}

// Member is one policy file.
type Member struct {
	Name string `json:"name"`
	Data []byte `json:"data"`
}

// Bundle is an opened bundle.
type Bundle struct {
	Manifest Manifest
	Members  []Member // in the order of the manifest
	// KeyID names the key whose signature was checked; "" where none was.
	KeyID string
	// Layer is the one layer that this key may sign for; "" is any.
	Layer string
	// Digest is the SHA-256 of the signed manifest, "sha256:…".
	Digest string
}

// The reasons for which a bundle is refused. Errors of [Open] wrap one.
var (
	ErrMalformed = errors.New("the bundle is malformed")
	ErrSignature = errors.New("no trusted key signed the bundle")
	ErrMember    = errors.New("the members are not those that were signed")
	ErrAudience  = errors.New("the bundle is for somebody else")
	ErrTooEarly  = errors.New("the bundle is not valid yet")
	ErrExpired   = errors.New("the bundle has expired")
)

const (
	payloadType = "application/vnd.custos.policy-bundle+json"
	version     = 1
	maxMembers  = 256
)

// memberName keeps names plain: they are no paths.
var memberName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`) })

// Named reports whether a file is a bundle: its name ends in .bundle.
func Named(file string) bool { return strings.HasSuffix(strings.ToLower(file), ".bundle") }

type file struct {
	Version  int      `json:"custos_bundle"`
	Envelope envelope `json:"envelope"`
	Members  []Member `json:"members"`
}

// envelope is a DSSE envelope.
type envelope struct {
	PayloadType string      `json:"payloadType"`
	Payload     []byte      `json:"payload"`
	Signatures  []signature `json:"signatures"`
}

type signature struct {
	KeyID string `json:"keyid"`
	Sig   []byte `json:"sig"`
}

// encoded is DSSE's pre-authentication encoding: the lengths keep type and body
// from running into each other.
func encoded(kind string, body []byte) []byte {
	return fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(kind), kind, len(body), body)
}

// KeyID names a public key: the first half of its SHA-256.
func KeyID(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:16])
}

// Sign makes a bundle. The manifest's version and members are filled in.
func Sign(key ed25519.PrivateKey, m Manifest, members []Member) ([]byte, error) {
	m.Version, m.Members = version, nil
	for _, member := range members {
		m.Members = append(m.Members, Digest{member.Name, sum(member.Data)})
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	body, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	public, _ := key.Public().(ed25519.PublicKey) // it is one
	out := file{Version: version, Members: members, Envelope: envelope{
		PayloadType: payloadType, Payload: body,
		Signatures: []signature{{KeyID(public), ed25519.Sign(key, encoded(payloadType, body))}},
	}}
	data, err := json.MarshalIndent(out, "", "  ")
	return append(data, '\n'), err
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

// check refuses manifests that say nothing, or something else than they seem.
func (m *Manifest) check() error {
	seen := map[string]bool{}
	for _, d := range m.Members {
		switch {
		case !memberName().MatchString(d.Name):
			return fmt.Errorf("%w: %q is no name of a member", ErrMalformed, d.Name)
		case seen[strings.ToLower(d.Name)]:
			return fmt.Errorf("%w: the member %s stands twice", ErrMalformed, d.Name)
		}
		seen[strings.ToLower(d.Name)] = true
	}
	switch {
	case m.Version != version:
		return fmt.Errorf("%w: version %d is not known", ErrMalformed, m.Version)
	case !memberName().MatchString(m.Name):
		return fmt.Errorf("%w: %q is no name of a policy", ErrMalformed, m.Name)
	case len(m.Members) == 0 || len(m.Members) > maxMembers:
		return fmt.Errorf("%w: it has %d members, and may have 1 to %d", ErrMalformed, len(m.Members), maxMembers)
	case !m.NotBefore.Before(m.NotAfter):
		return fmt.Errorf("%w: its validity ends before it begins", ErrMalformed)
	case slices.Contains(m.Audience, ""):
		return fmt.Errorf("%w: an audience is empty", ErrMalformed)
	}
	return nil
}

// strictly reads one JSON document and nothing else.
func strictly(data []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: something stands behind it", ErrMalformed)
	}
	return nil
}
