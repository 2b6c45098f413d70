package post

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// leastSecret is the shortest secret that signs anything.
	leastSecret = 16
	// tolerance is how far the clock of a receiver may be from ours.
	tolerance = 5 * time.Minute
)

// Key signs webhooks.
type Key []byte

// ParseKey reads a secret. One that begins with "whsec_" is base64 behind it; any
// other one is used as it is.
func ParseKey(secret string) (Key, error) {
	key := []byte(secret)
	if text, ok := strings.CutPrefix(secret, "whsec_"); ok {
		var err error
		if key, err = base64.StdEncoding.DecodeString(text); err != nil {
			return nil, errors.New("what follows whsec_ is not base64")
		}
	}
	if len(key) < leastSecret {
		return nil, fmt.Errorf("the secret is shorter than %d bytes (openssl rand -hex 32)", leastSecret)
	}
	return key, nil
}

// Sign sets the headers of Standard Webhooks:
//
//	webhook-id         "msg_" and a digest of the body
//	webhook-timestamp  seconds since 1970
//	webhook-signature  "v1," and the base64 of
//	                   HMAC-SHA-256(secret, id "." timestamp "." body)
//
// A message that is sent again has the same id.
func (k Key) Sign(h http.Header, body []byte, now time.Time) {
	sum := sha256.Sum256(body)
	id := "msg_" + hex.EncodeToString(sum[:12])
	at := strconv.FormatInt(now.Unix(), 10)
	h.Set("Webhook-Id", id)
	h.Set("Webhook-Timestamp", at)
	h.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(k.mac(id, at, body)))
}

func (k Key) mac(id, at string, body []byte) []byte {
	m := hmac.New(sha256.New, k)
	m.Write([]byte(id + "." + at + "."))
	m.Write(body)
	return m.Sum(nil)
}

// Verify checks what a receiver got: the headers, the body byte for byte, and its
// own clock. A receiver MUST refuse a request for which it returns an error, and
// SHOULD remember what it took, because a message may come twice.
func Verify(secret string, h http.Header, body []byte, now time.Time) error {
	key, err := ParseKey(secret)
	if err != nil {
		return err
	}
	id, at := h.Get("Webhook-Id"), h.Get("Webhook-Timestamp")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || id == "" {
		return errors.New("no webhook-id or no webhook-timestamp")
	}
	if d := now.Sub(time.Unix(seconds, 0)); d > tolerance || d < -tolerance {
		return fmt.Errorf("signed %v from now, which is more than %v", d.Round(time.Second), tolerance)
	}
	want := key.mac(id, at, body)
	for _, one := range strings.Fields(h.Get("Webhook-Signature")) {
		text, ok := strings.CutPrefix(one, "v1,")
		got, err := base64.StdEncoding.DecodeString(text)
		if ok && err == nil && hmac.Equal(got, want) {
			return nil
		}
	}
	return errors.New("no signature fits")
}
