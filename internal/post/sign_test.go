package post

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const testSecret = "0123456789abcdef0123456789abcdef"

// What is signed fits by the library of Standard Webhooks too.
func TestSign(t *testing.T) {
	check, err := standardwebhooks.NewWebhookRaw([]byte(testSecret))
	if err != nil {
		t.Fatal(err)
	}
	body, h, now := []byte(`{"type":"x"}`), http.Header{}, time.Now()
	Key(testSecret).Sign(h, body, now)
	if err := check.Verify(body, h); err != nil {
		t.Error(err)
	}
	if err := Verify(testSecret, h, body, now); err != nil {
		t.Error(err)
	}
	again := http.Header{}
	Key(testSecret).Sign(again, body, now.Add(time.Minute))
	if again.Get("Webhook-Id") != h.Get("Webhook-Id") || again.Get("Webhook-Signature") == h.Get("Webhook-Signature") {
		t.Errorf("sent again: %v after %v", again, h)
	}
}

// What a receiver has to refuse.
func TestVerify(t *testing.T) {
	now := time.Unix(1795168931, 0)
	body := []byte(`{"records":[]}`)
	signed := func() http.Header {
		sum := Key(testSecret).mac("msg_1", "1795168931", body)
		h := http.Header{}
		h.Set("Webhook-Id", "msg_1")
		h.Set("Webhook-Timestamp", "1795168931")
		h.Set("Webhook-Signature", "v1a,ignored v1,"+base64.StdEncoding.EncodeToString(sum))
		return h
	}
	if err := Verify(testSecret, signed(), body, now); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(h http.Header) (secret string, body []byte, now time.Time){
		"another body":   func(http.Header) (string, []byte, time.Time) { return testSecret, []byte(`{}`), now },
		"another secret": func(http.Header) (string, []byte, time.Time) { return strings.Repeat("x", 32), body, now },
		"long ago":       func(http.Header) (string, []byte, time.Time) { return testSecret, body, now.Add(6 * time.Minute) },
		"in the future":  func(http.Header) (string, []byte, time.Time) { return testSecret, body, now.Add(-6 * time.Minute) },
		"another id": func(h http.Header) (string, []byte, time.Time) {
			h.Set("Webhook-Id", "msg_2")
			return testSecret, body, now
		},
		"another timestamp": func(h http.Header) (string, []byte, time.Time) {
			h.Set("Webhook-Timestamp", "1795168932")
			return testSecret, body, now
		},
		"no timestamp": func(h http.Header) (string, []byte, time.Time) {
			h.Del("Webhook-Timestamp")
			return testSecret, body, now
		},
		"no signature": func(h http.Header) (string, []byte, time.Time) {
			h.Del("Webhook-Signature")
			return testSecret, body, now
		},
		"empty signature": func(h http.Header) (string, []byte, time.Time) {
			h.Set("Webhook-Signature", "v1,")
			return testSecret, body, now
		},
	} {
		h := signed()
		secret, b, at := change(h)
		if err := Verify(secret, h, b, at); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
