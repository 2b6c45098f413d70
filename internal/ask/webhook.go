package ask

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/custos-zt/custos/internal/config"
	"github.com/custos-zt/custos/internal/post"
)

// webhook posts one signed message for each held call: see [post.Key.Sign]. The
// body is {"type":"custos.approval","timestamp":…,"data":…} with a [Word] as data.
// A message that is sent again is the same, byte for byte.
type webhook struct {
	poster

	key  post.Key
	more bool
}

// poster posts JSON to one address.
type poster struct {
	url     string
	client  *http.Client
	version string
}

func openWebhook(c *config.Message, env *Env) (carrier, error) {
	secret, err := c.Secret.Resolve(env.Getenv)
	if err != nil {
		return nil, err
	}
	key, err := post.ParseKey(secret)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Secret, err)
	}
	to, err := newPoster(c.URL, c.TLS, env)
	return &webhook{poster: to, key: key, more: c.Details}, err
}

func newPoster(url string, t config.TLS, env *Env) (poster, error) {
	conf, err := post.TLS(t, "", env.Getenv)
	if err != nil {
		return poster{}, err
	}
	return poster{url: url, client: post.NewClient(conf), version: env.Version}, nil
}

func (w *webhook) name() string  { return config.ChannelWebhook }
func (w *webhook) details() bool { return w.more }

func (w *webhook) carry(ctx context.Context, word *Word) error {
	body, err := json.Marshal(struct {
		Type      string    `json:"type"`
		Timestamp time.Time `json:"timestamp"`
		Data      *Word     `json:"data"`
	}{"custos.approval", word.Opened, word})
	if err != nil {
		return finalError{err}
	}
	return w.send(ctx, body, func(h http.Header) { w.key.Sign(h, body, time.Now()) })
}

// send posts a body. sign sets further headers.
func (p *poster) send(ctx context.Context, body []byte, sign func(http.Header)) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return finalError{post.WithoutURL(err)}
	}
	req.Header.Set("Content-Type", "application/json")
	sign(req.Header)
	status, _, err := post.Exchange(p.client, req, p.version)
	switch {
	case err != nil:
		return err
	case status/100 == 2:
		return nil
	}
	err = fmt.Errorf("the receiver answers %d %s", status, http.StatusText(status))
	if status/100 == 5 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout {
		return err
	}
	return finalError{err}
}
