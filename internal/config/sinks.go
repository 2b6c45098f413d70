package config

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Sinks say where records go beside the log. nil: not there.
type Sinks struct {
	OTLP       *OTLP
	Syslog     *Syslog
	Webhook    *Webhook
	JSONL      *JSONL
	Prometheus *Prometheus
}

// Any reports whether a sink is configured.
func (s Sinks) Any() bool { return s != Sinks{} }

// Secrets returns the references that the sinks hold.
func (s Sinks) Secrets() []Reference {
	var out []Reference
	if o := s.OTLP; o != nil {
		out = append(out, o.TLS.Key)
		for _, h := range o.Headers {
			out = append(out, h.Value)
		}
	}
	if s.Syslog != nil {
		out = append(out, s.Syslog.TLS.Key)
	}
	if s.Webhook != nil {
		out = append(out, s.Webhook.Secret, s.Webhook.TLS.Key)
	}
	return out
}

// The forms in which a sink writes a record.
const (
	FormatNDJSON = "ndjson" // as `audit export` prints it
	FormatOCSF   = "ocsf"   // OCSF 1.9.0
)

// OTLP sends logs, metrics and traces to an OpenTelemetry collector over HTTP.
type OTLP struct {
	// Endpoint is the base URL, to which /v1/logs and so on are added.
	Endpoint string
	// Headers are sent with every request; their values are secrets.
	Headers               []Header
	TLS                   TLS
	Logs, Metrics, Traces bool
}

// Header is one header of a request.
type Header struct {
	Name  string
	Value Reference
}

// Syslog sends RFC 5424 messages over TLS (RFC 5425).
type Syslog struct {
	Address string // host:port
	Format  string
	// Enterprise is the private enterprise number in the names of structured
	// data: that of whoever runs the receiver.
	Enterprise int
	TLS        TLS
}

// Webhook posts signed batches of records.
type Webhook struct {
	URL    string
	Secret Reference
	Format string
	TLS    TLS
}

// JSONL writes files with one record a line.
type JSONL struct {
	Dir    string
	Format string
	Size   int64 // of one file, before the next is begun
}

// Prometheus serves metrics on the loopback interface.
type Prometheus struct{ Address string }

// TLS says whom to trust and who to be. Its zero value trusts what the system
// trusts and shows no certificate.
type TLS struct {
	CA   string
	Cert string
	Key  Reference
}

// DefaultPrometheus is where metrics are served, the port that OpenTelemetry
// gives such exporters.
const DefaultPrometheus = "127.0.0.1:9464"

func (d *decoder) sinks(n *yaml.Node, s *Sinks) {
	d.section(n, "sinks", []field{
		{"otlp", func(d *decoder, n *yaml.Node) { s.OTLP = d.otlp(n) }},
		{"syslog", func(d *decoder, n *yaml.Node) { s.Syslog = d.syslog(n) }},
		{"webhook", func(d *decoder, n *yaml.Node) { s.Webhook = d.webhook(n) }},
		{"jsonl", func(d *decoder, n *yaml.Node) { s.JSONL = d.jsonl(n) }},
		{"prometheus", func(d *decoder, n *yaml.Node) { s.Prometheus = d.prometheus(n) }},
	})
}

func (d *decoder) otlp(n *yaml.Node) *OTLP {
	o := &OTLP{Logs: true, Metrics: true, Traces: true}
	d.section(n, "sinks.otlp", []field{
		{"endpoint", func(d *decoder, n *yaml.Node) { o.Endpoint = d.endpoint(n) }},
		{"headers", func(d *decoder, n *yaml.Node) { o.Headers = d.headers(n) }},
		{"tls", func(d *decoder, n *yaml.Node) { d.tls(n, &o.TLS) }},
		{"logs", func(d *decoder, n *yaml.Node) { d.boolean(n, &o.Logs) }},
		{"metrics", func(d *decoder, n *yaml.Node) { d.boolean(n, &o.Metrics) }},
		{"traces", func(d *decoder, n *yaml.Node) { d.boolean(n, &o.Traces) }},
	})
	d.require(n, "sinks.otlp", "endpoint", o.Endpoint)
	return o
}

// endpoint reads the address of a collector: a URL, or host:port, which is
// https unless it is this machine.
func (d *decoder) endpoint(n *yaml.Node) string {
	var s string
	if d.text(n, &s); s == "" {
		return ""
	}
	if !strings.Contains(s, "://") {
		scheme := "https://"
		if host, _, err := net.SplitHostPort(s); err == nil && loopback(host) {
			scheme = "http://"
		}
		s = scheme + s
	}
	u := d.url(n, s)
	if u != nil && u.Port() == "4317" {
		d.fail(n, "the same collector takes OTLP over HTTP at port 4318", "port 4317 speaks gRPC, which Custos does not")
	}
	return strings.TrimSuffix(s, "/")
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (d *decoder) headers(n *yaml.Node) []Header {
	if n.Kind != yaml.MappingNode {
		d.fail(n, `headers: {Authorization: "env:NAME"}`, "headers is a mapping")
		return nil
	}
	var out []Header
	for i := 0; i+1 < len(n.Content); i += 2 {
		h := Header{Name: n.Content[i].Value}
		token := h.Name != "" && !strings.ContainsFunc(h.Name, func(r rune) bool {
			return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
		})
		same := func(o Header) bool { return strings.EqualFold(o.Name, h.Name) }
		if !token || slices.ContainsFunc(out, same) {
			d.fail(n.Content[i], "", "%q is no name of a header, or given twice", h.Name)
			continue
		}
		d.reference(n.Content[i+1], &h.Value)
		out = append(out, h)
	}
	return out
}

func (d *decoder) syslog(n *yaml.Node) *Syslog {
	// 32473 is the number that RFC 5612 sets aside for examples.
	s := &Syslog{Format: FormatNDJSON, Enterprise: 32473}
	d.section(n, "sinks.syslog", []field{
		{"address", func(d *decoder, n *yaml.Node) {
			if d.text(n, &s.Address); !hostPort(s.Address) {
				d.fail(n, "siem.example:6514", "expected host:port")
			}
		}},
		{"format", func(d *decoder, n *yaml.Node) { d.format(n, &s.Format) }},
		{"enterprise", func(d *decoder, n *yaml.Node) {
			if d.integer(n, &s.Enterprise); s.Enterprise < 1 {
				d.fail(n, "", "an enterprise number is 1 or more")
			}
		}},
		{"tls", func(d *decoder, n *yaml.Node) { d.tls(n, &s.TLS) }},
	})
	d.require(n, "sinks.syslog", "address", s.Address)
	return s
}

func hostPort(s string) bool {
	host, port, err := net.SplitHostPort(s)
	num, perr := strconv.Atoi(port)
	return err == nil && perr == nil && host != "" && num > 0 && num < 1<<16
}

func (d *decoder) webhook(n *yaml.Node) *Webhook {
	w := &Webhook{Format: FormatNDJSON}
	d.section(n, "sinks.webhook", []field{
		{"url", func(d *decoder, n *yaml.Node) {
			if d.text(n, &w.URL); w.URL != "" {
				d.url(n, w.URL)
			}
		}},
		{"secret", func(d *decoder, n *yaml.Node) { d.reference(n, &w.Secret) }},
		{"format", func(d *decoder, n *yaml.Node) { d.format(n, &w.Format) }},
		{"tls", func(d *decoder, n *yaml.Node) { d.tls(n, &w.TLS) }},
	})
	d.require(n, "sinks.webhook", "url", w.URL)
	if w.Secret.IsZero() && !d.failedIn(n) {
		d.fail(n, `secret: "file:PATH"`, "sinks.webhook needs a secret to sign with")
	}
	return w
}

func (d *decoder) jsonl(n *yaml.Node) *JSONL {
	j := &JSONL{Format: FormatNDJSON, Size: 64 << 20}
	d.section(n, "sinks.jsonl", []field{
		{"dir", func(d *decoder, n *yaml.Node) { d.text(n, &j.Dir) }},
		{"format", func(d *decoder, n *yaml.Node) { d.format(n, &j.Format) }},
		{"size", func(d *decoder, n *yaml.Node) { j.Size = d.size(n, 64<<10, 4<<30) }},
	})
	d.require(n, "sinks.jsonl", "dir", j.Dir)
	return j
}

// prometheus reads true, or the address to serve at. Metrics show which rules
// act and when somebody works: no other machine reads them.
func (d *decoder) prometheus(n *yaml.Node) *Prometheus {
	p := &Prometheus{Address: DefaultPrometheus}
	if n.Kind == yaml.ScalarNode {
		on := false
		if d.boolean(n, &on); !on {
			return nil
		}
		return p
	}
	d.section(n, "sinks.prometheus", []field{{"address", func(d *decoder, n *yaml.Node) {
		d.text(n, &p.Address)
		if host, _, err := net.SplitHostPort(p.Address); err != nil || !hostPort(p.Address) || !loopback(host) {
			d.fail(n, DefaultPrometheus, "metrics are served on the loopback interface alone, not at %q", p.Address)
		}
	}}})
	return p
}

func (d *decoder) format(n *yaml.Node, to *string) {
	if d.text(n, to); *to != FormatNDJSON && *to != FormatOCSF {
		d.fail(n, "", "format is ndjson or ocsf, not %q", *to)
	}
}

func (d *decoder) tls(n *yaml.Node, t *TLS) {
	d.section(n, "tls", []field{
		{"ca", func(d *decoder, n *yaml.Node) { d.text(n, &t.CA) }},
		{"cert", func(d *decoder, n *yaml.Node) { d.text(n, &t.Cert) }},
		{"key", func(d *decoder, n *yaml.Node) { d.reference(n, &t.Key) }},
	})
	if (t.Cert == "") != t.Key.IsZero() && !d.failedIn(n) {
		d.fail(n, "", "a certificate needs its key, and a key its certificate")
	}
}

// require asks for a text that a section cannot do without.
func (d *decoder) require(n *yaml.Node, what, key, have string) {
	if have == "" && !d.failedIn(n) {
		d.fail(n, "", "%s needs %s", what, key)
	}
}

// failedIn reports whether a problem was found at n or within it already, so
// that one mistake is told once.
func (d *decoder) failedIn(n *yaml.Node) bool {
	within := func(p Problem, c *yaml.Node) bool { return p.Line == c.Line && p.Column == c.Column }
	for _, p := range d.problems {
		if within(p, n) || slices.ContainsFunc(n.Content, func(c *yaml.Node) bool { return within(p, c) }) {
			return true
		}
	}
	return false
}

// anchor makes the relative paths of a file absolute.
func (s *Sinks) anchor(dir string) {
	if s.JSONL != nil {
		s.JSONL.Dir = rooted(dir, s.JSONL.Dir)
	}
	if s.OTLP != nil {
		s.OTLP.TLS.anchor(dir)
		for i := range s.OTLP.Headers {
			anchorReference(dir, &s.OTLP.Headers[i].Value)
		}
	}
	if s.Syslog != nil {
		s.Syslog.TLS.anchor(dir)
	}
	if s.Webhook != nil {
		anchorReference(dir, &s.Webhook.Secret)
		s.Webhook.TLS.anchor(dir)
	}
}

func (t *TLS) anchor(dir string) {
	if t.CA != "" {
		t.CA = rooted(dir, t.CA)
	}
	if t.Cert != "" {
		t.Cert = rooted(dir, t.Cert)
	}
	anchorReference(dir, &t.Key)
}
