package config

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Redaction says what of a call's arguments the log keeps.
type Redaction struct {
	// Tier 1 keeps names, types and sizes; 2 also the values of tools whose
	// labels are all among Labels; 3 everything, encrypted to Recipient.
	Tier   int
	Labels []string
	// Recipient is an auditor's public age key: age1….
	Recipient string
}

// Replay says for how long arguments are kept, sealed, apart from the log.
type Replay struct {
	Off  bool
	Keep time.Duration
	Size int64 // of a slot
}

// The bounds of audit.replay.keep.
const (
	minKeep = time.Minute
	maxKeep = 400 * 24 * time.Hour
)

func defaultRedaction() Redaction { return Redaction{Tier: 1, Labels: []string{"public"}} }

func defaultReplay() Replay { return Replay{Keep: 30 * 24 * time.Hour, Size: 256 << 20} }

func (d *decoder) redaction(n *yaml.Node, r *Redaction) {
	d.section(n, "audit.redaction", []field{
		{"tier", func(d *decoder, n *yaml.Node) {
			if d.integer(n, &r.Tier); r.Tier < 1 || r.Tier > 3 {
				d.fail(n, "1 keeps no value, 2 those that labels allow, 3 all, encrypted", "tier is 1, 2 or 3, not %q", n.Value)
			}
		}},
		{"labels", func(d *decoder, n *yaml.Node) { r.Labels = d.labels(n) }},
		{"recipient", func(d *decoder, n *yaml.Node) { d.recipient(n, &r.Recipient) }},
	})
	if r.Tier == 3 && r.Recipient == "" {
		d.fail(n, "recipient: age1… (age-keygen prints it)", "tier 3 needs a recipient")
	}
}

func (d *decoder) labels(n *yaml.Node) []string {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		d.fail(n, "labels: [public]", "labels is a list of labels of the policy")
		return nil
	}
	var out []string
	for _, item := range n.Content {
		var s string
		if d.text(item, &s); slices.Contains(out, s) {
			d.fail(item, "", "%q is given twice", s)
		}
		out = append(out, s)
	}
	return out
}

// recipient reads a public key. Who writes the secret one in its place must not
// find it in an error message.
func (d *decoder) recipient(n *yaml.Node, to *string) {
	d.text(n, to)
	switch {
	case strings.Contains(strings.ToUpper(*to), "AGE-SECRET-KEY-"):
		d.fail(n, "age-keygen -y FILE prints the public one", "recipient is a public key, and this is a secret one: make another pair")
	case !strings.HasPrefix(*to, "age1") || strings.ContainsAny(*to, " \t\n"):
		d.fail(n, "age1… (age-keygen prints it)", "recipient is an auditor's public key")
	}
}

// replay reads `off` or a mapping.
func (d *decoder) replay(n *yaml.Node, r *Replay) {
	if n.Kind == yaml.ScalarNode && (n.Value == "off" || n.Value == "false") {
		r.Off = true
		return
	}
	r.Off = false
	d.section(n, "audit.replay", []field{
		{"keep", func(d *decoder, n *yaml.Node) { r.Keep = d.span(n, minKeep, maxKeep) }},
		{"size", func(d *decoder, n *yaml.Node) { r.Size = d.size(n, 8<<20, 1<<30) }},
	})
}

// canaries reads references to secrets that nothing may show.
func (d *decoder) canaries(n *yaml.Node) []Reference {
	if n.Kind != yaml.SequenceNode {
		d.fail(n, "canaries: [env:GITHUB_TOKEN, file:/run/secrets/db]", "canaries is a list of references")
		return nil
	}
	var out []Reference
	for _, item := range n.Content {
		var r Reference
		if d.reference(item, &r); slices.Contains(out, r) && !r.IsZero() {
			d.fail(item, "", "%q is given twice", r.String())
		}
		if !r.IsZero() {
			out = append(out, r)
		}
	}
	return out
}

// span reads a duration that may be in days: 30d.
func (d *decoder) span(n *yaml.Node, least, most time.Duration) time.Duration {
	v, err := time.ParseDuration(n.Value)
	if days, ok := strings.CutSuffix(n.Value, "d"); ok {
		var whole int
		if whole, err = strconv.Atoi(days); err == nil && whole >= 0 && whole <= 1<<16 {
			v = time.Duration(whole) * 24 * time.Hour
		}
	}
	if err != nil || v < least || v > most {
		d.fail(n, "for example 30d or 12h", "expected a duration from %s to %s, not %q", plainSpan(least), plainSpan(most), n.Value)
		return least
	}
	return v
}

func plainSpan(v time.Duration) string {
	switch {
	case v%(24*time.Hour) == 0:
		return strconv.Itoa(int(v/(24*time.Hour))) + "d"
	case v%time.Hour == 0:
		return strconv.Itoa(int(v/time.Hour)) + "h"
	default:
		return strconv.Itoa(int(v/time.Minute)) + "m"
	}
}
