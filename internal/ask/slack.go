package ask

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/custos-zt/custos/internal/config"
)

// slack posts to an incoming webhook of Slack, or of what speaks like it. The
// message is blocks of plain text, in which nothing is a link, a mention or a
// form: text of agents and servers stands there alone. One line is Custos's own
// and links to the page. Nothing is unfurled.
type slack struct {
	poster

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
	to, err := newPoster(where, c.TLS, env)
	return &slack{poster: to, more: c.Details}, err
}

func (s *slack) name() string  { return config.ChannelSlack }
func (s *slack) details() bool { return s.more }

func (s *slack) carry(ctx context.Context, w *Word) error {
	body, err := json.Marshal(slackMessage(w))
	if err != nil {
		return finalError{err}
	}
	return s.send(ctx, body, func(http.Header) {})
}

// The parts of a message.
type (
	slackBody struct {
		Text        string       `json:"text"` // for notifications, and where blocks are not known
		Blocks      []slackBlock `json:"blocks"`
		Mrkdwn      bool         `json:"mrkdwn"`
		UnfurlLinks bool         `json:"unfurl_links"`
		UnfurlMedia bool         `json:"unfurl_media"`
		LinkNames   bool         `json:"link_names"`
		Parse       string       `json:"parse"`
	}
	slackBlock struct {
		Type string    `json:"type"`
		Text slackText `json:"text"`
	}
	slackText struct {
		Type     string `json:"type"`
		Text     string `json:"text"`
		Emoji    *bool  `json:"emoji,omitempty"`
		Verbatim bool   `json:"verbatim,omitempty"`
	}
)

const (
	maxSlackText   = 2900 // of 3000 in one block
	maxSlackBlocks = 40   // of 50
)

func slackMessage(w *Word) slackBody {
	title := "Custos is holding " + w.what() + " for a person"
	m := slackBody{Text: slackEscape(title), Parse: "none"}
	m.plain(title + "\nrule " + strings.Join(w.Rules, ", ") + "\nuntil " + w.Expires.Format("15:04:05 UTC"))
	if w.Details != nil {
		m.plain(w.Details.Title + "  " + w.Details.by)
		for _, l := range w.Details.lines {
			m.plain(l[0] + ": " + l[1])
		}
	}
	answer := "Answer: `" + w.Command + "`"
	if w.Page != "" {
		answer += ", or on that machine <" + w.Page + "|" + w.ID + ">"
	}
	m.Blocks = append(m.Blocks, slackBlock{"section", slackText{Type: "mrkdwn", Text: answer, Verbatim: true}})
	return m
}

// plain adds a block of plain text. What does not fit is not shown, and that is
// said: nobody answers to a part and believes it the whole.
func (m *slackBody) plain(text string) {
	const more = "… cut here: read all of it where you answer"
	switch {
	case len(m.Blocks) > maxSlackBlocks:
		return
	case len(m.Blocks) == maxSlackBlocks:
		text = more
	case len(text) > maxSlackText:
		text = strings.ToValidUTF8(text[:maxSlackText-len(more)], "") + more
	}
	emoji := false
	m.Blocks = append(m.Blocks, slackBlock{"section", slackText{Type: "plain_text", Text: slackEscape(text), Emoji: &emoji}})
}

// slackEscape writes the three characters that Slack gives a meaning.
func slackEscape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}
