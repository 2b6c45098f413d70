package ask

import (
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
	to   *post.Poster
	key  post.Key
	more bool
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
	to, err := post.NewPoster(c.URL, c.TLS, env.Version, env.Getenv)
	return &webhook{to, key, c.Details}, err
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
		return &post.FinalError{Err: err}
	}
	return w.to.Send(ctx, body, func(h http.Header) { w.key.Sign(h, body, time.Now()) })
}
