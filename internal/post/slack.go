package post

import (
	"encoding/json"
	"strings"
)

// Slack is a message for an incoming webhook of Slack, or of what speaks like
// it. Text of agents and servers stands in blocks of plain text alone, in which
// nothing is a link, a mention or a format. Nothing is unfurled.
type Slack struct{ body slackBody }

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
	// slackCut says that something is not shown: nobody answers to a part and
	// believes it the whole.
	slackCut = "… cut here: read all of it on the machine itself"
)

// NewSlack begins a message with a title.
func NewSlack(title string) *Slack {
	return &Slack{slackBody{Text: slackEscape(title), Blocks: []slackBlock{}, Parse: "none"}}
}

// Plain adds a block of plain text. What does not fit is not shown, and that is
// said.
func (m *Slack) Plain(text string) {
	switch n := len(m.body.Blocks); {
	case n > maxSlackBlocks:
		return
	case n == maxSlackBlocks:
		text = slackCut
	case len(text) > maxSlackText:
		text = strings.ToValidUTF8(text[:maxSlackText-len(slackCut)], "") + slackCut
	}
	emoji := false
	m.add(slackText{Type: "plain_text", Text: slackEscape(text), Emoji: &emoji})
}

// Own adds a line of Custos's own words, in which Slack's format counts. Nothing
// that an agent or a server wrote MUST stand in it.
func (m *Slack) Own(mrkdwn string) {
	m.add(slackText{Type: "mrkdwn", Text: mrkdwn, Verbatim: true})
}

func (m *Slack) add(t slackText) {
	m.body.Blocks = append(m.body.Blocks, slackBlock{"section", t})
}

// MarshalJSON returns what is posted.
func (m *Slack) MarshalJSON() ([]byte, error) { return json.Marshal(m.body) }

// slackEscape writes the three characters that Slack gives a meaning.
func slackEscape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}
