package sink

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/custos-zt/custos/internal/config"
	"github.com/custos-zt/custos/internal/post"
)

// webhook posts batches of records, signed: see [post.Key.Sign].
type webhook struct {
	url    string
	key    post.Key
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
	key, err := post.ParseKey(secret)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Secret, err)
	}
	conf, err := post.TLS(c.TLS, "", env.Getenv)
	if err != nil {
		return nil, err
	}
	return &webhook{url: c.URL, key: key, client: post.NewClient(conf), lines: newLines(c.Format, env), format: c.Format, env: env, now: time.Now}, nil
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
		return 0, post.WithoutURL(err)
	}
	req.Header.Set("Content-Type", "application/json")
	w.key.Sign(req.Header, body, w.now())
	status, _, err = post.Exchange(w.client, req, w.env.Version)
	return status, err
}

// Close forgets the connections.
func (w *webhook) Close() error {
	w.client.CloseIdleConnections()
	return nil
}

// quoteJSON returns s as a JSON string.
func quoteJSON(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		return []byte(`""`) // a string always encodes
	}
	return b
}
