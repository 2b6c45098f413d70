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
}

// ApprovalChannels are the channels that there are.
func ApprovalChannels() []string { return []string{"elicitation", "tty", "cli"} }

// maxWait bounds how long a call may be held.
const maxWait = 10 * time.Minute

func (d *decoder) approvals(n *yaml.Node, a *Approvals) {
	d.section(n, "approvals", []field{
		{"wait", func(d *decoder, n *yaml.Node) {
			v, err := time.ParseDuration(n.Value)
			if n.Kind != yaml.ScalarNode || err != nil || v < 0 || v > maxWait {
				d.fail(n, "for example 45s; 0s does not wait", "wait is a duration up to 10m, not %q", n.Value)
				return
			}
			a.Wait = v
		}},
		{"channels", func(d *decoder, n *yaml.Node) { a.Channels = d.channels(n) }},
	})
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
