package sink

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/custos-zt/custos/internal/config"
)

const (
	// leastSecret is the shortest secret that signs anything.
	leastSecret = 16
	// tolerance is how far the clock of a receiver may be from ours.
	tolerance = 5 * time.Minute
)

// webhook posts batches of records, signed as Standard Webhooks 1.0 says, so
// that a receiver can check them with a library that it has:
//
//	webhook-id         "msg_" and a digest of the body
//	webhook-timestamp  seconds since 1970
//	webhook-signature  "v1," and the base64 of
//	                   HMAC-SHA-256(secret, id "." timestamp "." body)
//
// A secret that begins with "whsec_" is base64 behind it; any other one is used
// as it is. See [VerifyWebhook].
type webhook struct {
	url    string
	key    []byte
	client *http.Client
	lines  *lines
	format string
	env    *Env
	now    func() time.Time
}

func openWebhook(c *config.Webhook, env *Env) (Sink, error) {
	secret, err := c.Secret.Resolve(env.Getenv)
	if err != nil {
		return nil, err
	}
	key, err := webhookKey(secret)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Secret, err)
	}
	client, err := newClient(c.TLS, env)
	if err != nil {
		return nil, err
	}
	return &webhook{url: c.URL, key: key, client: client, lines: newLines(c.Format, env), format: c.Format, env: env, now: time.Now}, nil
}

func webhookKey(secret string) ([]byte, error) {
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

// Deliver posts a batch, in halves where the receiver calls it too large.
func (w *webhook) Deliver(ctx context.Context, batch []Event) error {
	body, err := w.body(batch)
	if err != nil {
		return err
	}
	status, err := w.post(ctx, body)
	switch {
	case err != nil:
		return err
	case status/100 == 2:
		return nil
	case status == http.StatusRequestEntityTooLarge && len(batch) == 1:
		return &DropError{1, fmt.Errorf("the receiver answers %d to record %s alone", status, batch[0].UID)}
	case status == http.StatusRequestEntityTooLarge:
		half := len(batch) / 2
		return joinDrops(w.Deliver(ctx, batch[:half]), func() error { return w.Deliver(ctx, batch[half:]) })
	}
	return fmt.Errorf("the receiver answers %d %s", status, http.StatusText(status))
}

// joinDrops goes on with the second half of a batch where the first was
// delivered or dropped, and adds up what was dropped.
func joinDrops(first error, second func() error) error {
	var a, b *DropError
	if first != nil && !errors.As(first, &a) {
		return first
	}
	err := second()
	if a == nil || err != nil && !errors.As(err, &b) {
		return err
	}
	if b != nil {
		a = &DropError{a.Events + b.Events, b.Err}
	}
	return a
}

// body is one posted document.
func (w *webhook) body(batch []Event) ([]byte, error) {
	b := []byte(`{"type":"custos.records","instance":`)
	b = strconv.AppendQuoteToASCII(b, w.env.Instance)
	b = append(b, `,"format":`...)
	b = strconv.AppendQuoteToASCII(b, w.format)
	b = append(b, `,"records":[`...)
	for i := range batch {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = w.lines.append(b, &batch[i]); err != nil {
			return nil, err
		}
	}
	return append(b, "]}"...), nil
}

func (w *webhook) post(ctx context.Context, body []byte) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return 0, withoutURL(err)
	}
	sum := sha256.Sum256(body)
	id := "msg_" + hex.EncodeToString(sum[:12])
	at := strconv.FormatInt(w.now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Webhook-Id", id)
	req.Header.Set("Webhook-Timestamp", at)
	req.Header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(signWebhook(w.key, id, at, body)))
	status, _, err = exchange(w.client, req, w.env.Version)
	return status, err
}

func signWebhook(key []byte, id, at string, body []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(id + "." + at + "."))
	m.Write(body)
	return m.Sum(nil)
}

// Close forgets the connections.
func (w *webhook) Close() error {
	w.client.CloseIdleConnections()
	return nil
}

// VerifyWebhook checks what a receiver got: the headers, the body byte for byte,
// and its own clock. A receiver MUST refuse a request for which it returns an
// error, and SHOULD remember the uid of each record, because a batch may come
// twice.
func VerifyWebhook(secret string, h http.Header, body []byte, now time.Time) error {
	key, err := webhookKey(secret)
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
	want := signWebhook(key, id, at, body)
	for _, one := range strings.Fields(h.Get("Webhook-Signature")) {
		text, ok := strings.CutPrefix(one, "v1,")
		got, err := base64.StdEncoding.DecodeString(text)
		if ok && err == nil && hmac.Equal(got, want) {
			return nil
		}
	}
	return errors.New("no signature fits")
}

// quoteJSON returns s as a JSON string.
func quoteJSON(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		return []byte(`""`) // a string always encodes
	}
	return b
}
