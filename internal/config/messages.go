package config

import (
	"errors"
	"net/url"

	"go.yaml.in/yaml/v3"
)

// Message says where word of held calls goes, beside the ways to answer them.
// By default it carries nothing that an agent wrote: the id, what is called, the
// rule and how long it waits.
type Message struct {
	// Secret signs the messages of a webhook.
	Secret Reference
	// URL is the address of a webhook, and Where that of a channel of Slack: who
	// knows it may post there, so it is a secret.
	URL   string
	Where Reference
	// Details adds who asks and from where, and the arguments, masked and escaped.
	Details bool
	TLS     TLS
}

// Secrets returns the references that approvals hold.
func (a *Approvals) Secrets() []Reference {
	var out []Reference
	for _, m := range []*Message{a.Webhook, a.Slack} {
		if m != nil {
			out = append(out, m.Secret, m.Where, m.TLS.Key)
		}
	}
	return out
}

// Secrets returns the references that Custos itself uses, to sinks and to
// channels. No guarded server is handed one.
func (c *Config) Secrets() []Reference { return append(c.Sinks.Secrets(), c.Approvals.Secrets()...) }

func (d *decoder) askWebhook(n *yaml.Node) *Message {
	m := &Message{}
	d.section(n, "approvals.webhook", append(d.message(m),
		field{"url", func(d *decoder, n *yaml.Node) {
			if d.text(n, &m.URL); m.URL != "" {
				d.url(n, m.URL)
			}
		}},
		field{"secret", func(d *decoder, n *yaml.Node) { d.reference(n, &m.Secret) }},
	))
	d.require(n, "approvals.webhook", "url", m.URL)
	if m.Secret.IsZero() && !d.failedIn(n) {
		d.fail(n, `secret: "file:PATH"`, "approvals.webhook needs a secret to sign with")
	}
	return m
}

func (d *decoder) slack(n *yaml.Node) *Message {
	m := &Message{}
	d.section(n, "approvals.slack", append(d.message(m),
		field{"url", func(d *decoder, n *yaml.Node) { d.reference(n, &m.Where) }},
	))
	if m.Where.IsZero() && !d.failedIn(n) {
		d.fail(n, `url: "file:PATH"; who knows it may post there`, "approvals.slack needs url")
	}
	return m
}

func (d *decoder) message(m *Message) []field {
	return []field{
		{"details", func(d *decoder, n *yaml.Node) { d.boolean(n, &m.Details) }},
		{"tls", func(d *decoder, n *yaml.Node) { d.tls(n, &m.TLS) }},
	}
}

func (a *Approvals) anchor(dir string) {
	for _, m := range []*Message{a.Webhook, a.Slack} {
		if m != nil {
			anchorReference(dir, &m.Secret)
			anchorReference(dir, &m.Where)
			m.TLS.anchor(dir)
		}
	}
}

// Errors of an address that something is sent to.
var (
	errNoURL  = errors.New("expected a URL")
	errUser   = errors.New("a URL in the configuration holds no secret")
	errInOpen = errors.New("what is sent would travel in the open")
)

// Receiver reads an address that something is sent to: https, or http to this
// machine. Its errors do not repeat it.
func Receiver(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errNoURL
	case u.User != nil:
		return nil, errUser
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, errInOpen
	}
	return u, nil
}

// url checks an address that something is sent to.
func (d *decoder) url(n *yaml.Node, s string) *url.URL {
	u, err := Receiver(s)
	switch {
	case errors.Is(err, errNoURL):
		d.fail(n, "https://host/path", "%v", err)
	case errors.Is(err, errUser):
		d.fail(n, "leave out what stands before the @", "%v", err)
	case err != nil:
		d.fail(n, "https, or http to this machine", "%v", err)
	}
	return u
}
