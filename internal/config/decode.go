package config

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/internal/spell"
)

// Problem is one thing wrong with a file, with its place.
type Problem struct {
	File         string
	Line, Column int // from 1; 0 where the file as a whole is meant
	Message      string
	Hint         string
}

// String returns file:line:column: message (hint).
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(": " + p.Message)
	if p.Hint != "" {
		b.WriteString(" (" + p.Hint + ")")
	}
	return b.String()
}

// field is one key of a section and what reads it.
type field struct {
	key  string
	read func(d *decoder, n *yaml.Node)
}

// decoder collects the problems of one file.
type decoder struct {
	file     string
	problems []Problem
}

func (d *decoder) fail(n *yaml.Node, hint, format string, args ...any) {
	d.problems = append(d.problems, Problem{d.file, n.Line, n.Column, fmt.Sprintf(format, args...), hint})
}

// later names the keys that config.md promises and this version does not
// have. Ignoring one would leave somebody unguarded who believes otherwise.
func later() []string {
	return []string{"identity", "session", "backends", "prefix"}
}

func (c *Config) decode(file string, data []byte) []Problem {
	d := &decoder{file: file}
	dec := yaml.NewDecoder(strings.NewReader(string(data)))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil // an empty file says nothing
		}
		return []Problem{{File: file, Message: "is not YAML: " + strings.TrimPrefix(err.Error(), "yaml: ")}}
	}
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		d.fail(&second, "", "holds more than one document")
		return d.problems
	}
	d.section(doc.Content[0], "the file", []field{
		{"version", func(d *decoder, n *yaml.Node) {
			if d.integer(n, &c.Version); c.Version != 1 {
				d.fail(n, "this version reads version 1", "version %s is not known", n.Value)
			}
		}},
		{"managed", func(d *decoder, n *yaml.Node) { d.boolean(n, &c.Managed) }},
		{"state", func(d *decoder, n *yaml.Node) { d.text(n, &c.State) }},
		{"policy", func(d *decoder, n *yaml.Node) { d.policy(n, &c.Policy) }},
		{"teams", func(d *decoder, n *yaml.Node) { c.Teams = d.teams(n) }},
		{"limits", func(d *decoder, n *yaml.Node) { d.limits(n, &c.Limits) }},
		{"audit", func(d *decoder, n *yaml.Node) { d.audit(n, &c.Audit) }},
		{"sinks", func(d *decoder, n *yaml.Node) { d.sinks(n, &c.Sinks) }},
		{"approvals", func(d *decoder, n *yaml.Node) { d.approvals(n, &c.Approvals) }},
		{"listen", func(d *decoder, n *yaml.Node) { d.listen(n, &c.Listen) }},
		{"denials", func(d *decoder, n *yaml.Node) {
			var s string
			if d.text(n, &s); s != string(DenyAsResult) && s != string(DenyAsError) {
				d.fail(n, "", "denials is result or error, not %q", s)
			}
			c.Denials = Denials(s)
		}},
	})
	return d.problems
}

// section reads a mapping whose keys are the given fields.
func (d *decoder) section(n *yaml.Node, what string, fields []field) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, "", "%s is a mapping", what)
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if seen[key.Value] {
			d.fail(key, "", "%q is given twice", key.Value)
			continue
		}
		seen[key.Value] = true
		if !d.field(key, value, fields) {
			d.unknown(key, what, fields)
		}
	}
}

func (d *decoder) field(key, value *yaml.Node, fields []field) bool {
	for _, f := range fields {
		if f.key == key.Value {
			f.read(d, value)
			return true
		}
	}
	return false
}

func (d *decoder) unknown(key *yaml.Node, what string, fields []field) {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.key
	}
	for _, l := range later() {
		if what == "the file" && l == key.Value {
			d.fail(key, "", "%q is not supported by this version of Custos", key.Value)
			return
		}
	}
	hint := ""
	if near, ok := spell.Nearest(key.Value, names); ok {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	d.fail(key, hint, "unknown key %q in %s", key.Value, what)
}

func (d *decoder) policy(n *yaml.Node, p *Policy) {
	d.section(n, "policy", []field{
		{"files", func(d *decoder, n *yaml.Node) { d.policyFiles(n, p) }},
		{"trust_root", func(d *decoder, n *yaml.Node) {
			if d.text(n, &p.TrustRoot); p.TrustRoot == "" {
				d.fail(n, "leave the key out", "trust_root names no file")
			}
		}},
		{"audience", func(d *decoder, n *yaml.Node) { d.text(n, &p.Audience) }},
	})
}

func (d *decoder) policyFiles(n *yaml.Node, p *Policy) {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		d.fail(n, "files: [{path: policies/*.yaml}]", "files is a list of files")
		return
	}
	p.Files = nil
	for _, entry := range n.Content {
		f := PolicyFile{Layer: "global"}
		d.section(entry, "a policy file", []field{
			{"path", func(d *decoder, n *yaml.Node) { d.text(n, &f.Path) }},
			{"layer", func(d *decoder, n *yaml.Node) {
				if d.text(n, &f.Layer); !layerName().MatchString(f.Layer) {
					d.fail(n, "global, team/NAME or user/ISSUER:SUBJECT", "%q is not a layer", f.Layer)
				}
			}},
		})
		if f.Path == "" {
			d.fail(entry, "", "a policy file needs a path")
		}
		p.Files = append(p.Files, f)
	}
}

func (d *decoder) limits(n *yaml.Node, l *Limits) {
	d.section(n, "limits", []field{
		{"frame", func(d *decoder, n *yaml.Node) { l.Frame = int(d.size(n, 1<<10, 256<<20)) }},
		{"depth", func(d *decoder, n *yaml.Node) {
			if d.integer(n, &l.Depth); l.Depth < 4 || l.Depth > 1000 {
				d.fail(n, "", "depth lies between 4 and 1000")
			}
		}},
		{"in_flight", func(d *decoder, n *yaml.Node) { l.InFlight = int(d.size(n, 64<<10, 4<<30)) }},
	})
}

func (d *decoder) audit(n *yaml.Node, a *Audit) {
	d.section(n, "audit", []field{
		{"segment", func(d *decoder, n *yaml.Node) {
			d.section(n, "audit.segment", []field{
				{"size", func(d *decoder, n *yaml.Node) { a.SegmentSize = d.size(n, 64<<10, 4<<30) }},
				{"age", func(d *decoder, n *yaml.Node) { a.SegmentAge = d.duration(n) }},
			})
		}},
		{"retention", func(d *decoder, n *yaml.Node) { a.Retention = d.days(n) }},
		{"undelivered", func(d *decoder, n *yaml.Node) { a.Undelivered = d.days(n) }},
		{"secondary", func(d *decoder, n *yaml.Node) { d.text(n, &a.Secondary) }},
		{"key", func(d *decoder, n *yaml.Node) { a.Keychain = d.keyPlace(n) }},
		{"witness", func(d *decoder, n *yaml.Node) { a.Witnesses = d.witnesses(n) }},
		{"redaction", func(d *decoder, n *yaml.Node) { d.redaction(n, &a.Redaction) }},
		{"replay", func(d *decoder, n *yaml.Node) { d.replay(n, &a.Replay) }},
		{"pseudonyms", func(d *decoder, n *yaml.Node) { d.boolean(n, &a.Pseudonyms) }},
		{"canaries", func(d *decoder, n *yaml.Node) { a.Canaries = d.canaries(n) }},
	})
}

func (d *decoder) text(n *yaml.Node, to *string) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		d.fail(n, "", "expected a text")
		return
	}
	*to = n.Value
}

func (d *decoder) boolean(n *yaml.Node, to *bool) {
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
		d.fail(n, "", "expected true or false")
		return
	}
	*to = n.Value == "true"
}

func (d *decoder) integer(n *yaml.Node, to *int) {
	v, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil {
		d.fail(n, "", "expected a whole number, not %q", n.Value)
		return
	}
	*to = v
}

func (d *decoder) duration(n *yaml.Node) time.Duration {
	v, err := time.ParseDuration(n.Value)
	if err != nil || v <= 0 {
		d.fail(n, "for example 1h or 30m", "expected a duration, not %q", n.Value)
	}
	return v
}

// days reads a duration that may be given in days: 400d.
func (d *decoder) days(n *yaml.Node) time.Duration {
	const day, most = 24 * time.Hour, 36500
	digits, ok := strings.CutSuffix(n.Value, "d")
	if !ok {
		return d.duration(n)
	}
	v, err := strconv.Atoi(digits)
	if err != nil || v < 1 || v > most {
		d.fail(n, "for example 400d", "expected 1d to %dd, not %q", most, n.Value)
		return 0
	}
	return time.Duration(v) * day
}

// size reads bytes with a unit: 16MiB.
func (d *decoder) size(n *yaml.Node, least, most int64) int64 {
	digits, unit := n.Value, int64(1)
	for suffix, factor := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if rest, ok := strings.CutSuffix(n.Value, suffix); ok {
			digits, unit = rest, factor
		}
	}
	v, err := strconv.ParseInt(digits, 10, 32)
	if err != nil || v*unit < least || v*unit > most {
		d.fail(n, "for example 16MiB", "expected a size from %d to %d bytes, not %q", least, most, n.Value)
		return least
	}
	return v * unit
}
