package ask

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/custos-zt/custos/internal/config"
	"github.com/custos-zt/custos/internal/post"
)

// slack posts to an incoming webhook of Slack, or of what speaks like it: see
// [post.Slack]. One line is Custos's own and links to the page.
type slack struct {
	to   *post.Poster
	more bool
}

func openSlack(c *config.Message, env *Env) (carrier, error) {
	where, err := c.Where.Resolve(env.Getenv)
	if err != nil {
		return nil, err
	}
	if _, err := config.Receiver(where); err != nil {
		return nil, fmt.Errorf("%s: %w", c.Where, err)
	}
	to, err := post.NewPoster(where, c.TLS, env.Version, env.Getenv)
	return &slack{to, c.Details}, err
}

func (s *slack) name() string  { return config.ChannelSlack }
func (s *slack) details() bool { return s.more }

func (s *slack) carry(ctx context.Context, w *Word) error {
	body, err := json.Marshal(slackMessage(w))
	if err != nil {
		return &post.FinalError{Err: err}
	}
	return s.to.Send(ctx, body, nil)
}

func slackMessage(w *Word) *post.Slack {
	title := "Custos is holding " + w.what() + " for a person"
	m := post.NewSlack(title)
	m.Plain(title + "\nrule " + strings.Join(w.Rules, ", ") + "\nuntil " + w.Expires.Format("15:04:05 UTC"))
	if w.Details != nil {
		m.Plain(w.Details.Title + "  " + w.Details.by)
		for _, l := range w.Details.lines {
			m.Plain(l[0] + ": " + l[1])
		}
	}
	answer := "Answer: `" + w.Command + "`"
	if w.Page != "" {
		answer += ", or on that machine <" + w.Page + "|" + w.ID + ">"
	}
	m.Own(answer)
	return m
}
