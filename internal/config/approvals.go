package config

import (
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Approvals say how held calls are put to people.
type Approvals struct {
	// Wait is how long a held call waits for an answer before its caller is told
	// to repeat it; 0 does not wait.
	Wait time.Duration
	// Channels are the ways to ask, in the order in which they are tried. Any
	// request can be answered by `custos approvals`; that "cli" stands here says
	// that somebody looks there, and is worth to be waited for.
	Channels []string
	// Open is how many calls of one principal may wait at once. More tire people:
	// what they no longer read, they allow.
	Open int
	// Webhook and Slack are where messages go; nil: nowhere. Where the file does
	// not list channels, each that is given is one.
	Webhook *Message
	Slack   *Message
}

// The channels.
const (
	ChannelElicitation = "elicitation" // the client's own form
	ChannelTerminal    = "tty"         // the terminal that the guard was started from
	ChannelCLI         = "cli"         // custos approvals
	ChannelDesktop     = "desktop"     // a notification of the desktop
	ChannelWebhook     = "webhook"
	ChannelSlack       = "slack"
)

// ApprovalChannels are the channels that there are. Through the first three
// people answer; the others tell them.
func ApprovalChannels() []string {
	return []string{ChannelElicitation, ChannelTerminal, ChannelCLI, ChannelDesktop, ChannelWebhook, ChannelSlack}
}

// usualChannels are those that ask where nothing is said.
func usualChannels() []string {
	return []string{ChannelElicitation, ChannelTerminal, ChannelCLI}
}

// maxWait bounds how long a call may be held.
const maxWait = 10 * time.Minute

// maxOpen bounds how many calls of one principal may wait at once.
const maxOpen = 100

func (d *decoder) approvals(n *yaml.Node, a *Approvals) {
	listed := false
	d.section(n, "approvals", []field{
		{"wait", func(d *decoder, n *yaml.Node) {
			v, err := time.ParseDuration(n.Value)
			if n.Kind != yaml.ScalarNode || err != nil || v < 0 || v > maxWait {
				d.fail(n, "for example 45s; 0s does not wait", "wait is a duration up to 10m, not %q", n.Value)
				return
			}
			a.Wait = v
		}},
		{"open", func(d *decoder, n *yaml.Node) {
			if d.integer(n, &a.Open); a.Open < 1 || a.Open > maxOpen {
				d.fail(n, "5 where nothing is said", "open is a number from 1 to %d, not %q", maxOpen, n.Value)
			}
		}},
		{"channels", func(d *decoder, n *yaml.Node) { a.Channels, listed = d.channels(n), true }},
		{"webhook", func(d *decoder, n *yaml.Node) { a.Webhook = d.askWebhook(n) }},
		{"slack", func(d *decoder, n *yaml.Node) { a.Slack = d.slack(n) }},
	})
	d.goesTo(n, a, ChannelWebhook, a.Webhook, listed)
	d.goesTo(n, a, ChannelSlack, a.Slack, listed)
}

// goesTo makes sure that a channel that is named has somewhere to go, and names
// one that has, where the file lists none.
func (d *decoder) goesTo(n *yaml.Node, a *Approvals, name string, where *Message, listed bool) {
	switch named := slices.Contains(a.Channels, name); {
	case where == nil && named && !d.failedIn(n):
		d.fail(n, "approvals: {"+name+": {url: …}}", "channel %q has nowhere to go", name)
	case where != nil && !named && !listed:
		a.Channels = append(a.Channels, name)
	}
}

func (d *decoder) channels(n *yaml.Node) []string {
	out := []string{}
	if n.Kind != yaml.SequenceNode {
		d.fail(n, "channels: ["+strings.Join(ApprovalChannels(), ", ")+"]", "channels is a list")
		return out
	}
	for _, entry := range n.Content {
		switch {
		case !slices.Contains(ApprovalChannels(), entry.Value):
			d.fail(entry, "there are "+strings.Join(ApprovalChannels(), ", "), "%q is no channel of this version of Custos", entry.Value)
		case slices.Contains(out, entry.Value):
			d.fail(entry, "", "%q is given twice", entry.Value)
		default:
			out = append(out, entry.Value)
		}
	}
	return out
}
