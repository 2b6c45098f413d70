package config

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadsSinks(t *testing.T) {
	path := write(t, `
sinks:
  otlp: {endpoint: "localhost:4318", headers: {Authorization: "env:TOKEN"}, metrics: false}
  syslog: {address: siem.corp.example:6514, format: ocsf, enterprise: 4242, tls: {ca: ca.pem, cert: c.pem, key: "file:c.key"}}
  webhook: {url: https://x.corp.example/in, secret: "file:hook.secret"}
  jsonl: {dir: out, format: ocsf, size: 1MiB}
  prometheus: true
`)
	c, problems := Load(Where{Flag: path})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	dir := filepath.Dir(path)
	in := func(name string) string { return filepath.Join(dir, name) }
	want := Sinks{
		OTLP: &OTLP{Endpoint: "http://localhost:4318", Headers: []Header{{"Authorization", Reference{"env", "TOKEN"}}}, Logs: true, Traces: true},
		Syslog: &Syslog{
			Address: "siem.corp.example:6514", Format: FormatOCSF, Enterprise: 4242,
			TLS: TLS{CA: in("ca.pem"), Cert: in("c.pem"), Key: Reference{"file", in("c.key")}},
		},
		Webhook:    &Webhook{URL: "https://x.corp.example/in", Secret: Reference{"file", in("hook.secret")}, Format: FormatNDJSON},
		JSONL:      &JSONL{Dir: in("out"), Format: FormatOCSF, Size: 1 << 20},
		Prometheus: &Prometheus{Address: DefaultPrometheus},
	}
	if diff := cmp.Diff(want, c.Sinks); diff != "" {
		t.Error(diff)
	}
}

func TestSinksAreRefusedWithAPlaceAndAReason(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"nothing named":        {"otlp: {}", "sinks.otlp needs endpoint"},
		"unknown sink":         {"sylog: {address: a:1}", `unknown key "sylog" in sinks (did you mean "syslog"?)`},
		"grpc port":            {"otlp: {endpoint: localhost:4317}", "speaks gRPC"},
		"in the open":          {"otlp: {endpoint: \"http://collector.example:4318\"}", "what is sent would travel in the open"},
		"file scheme":          {"webhook: {url: \"file:///etc/passwd\", secret: \"env:S\"}", "expected a URL"},
		"secret in the url":    {"webhook: {url: \"https://u:hunter2@x.example/\", secret: \"env:S\"}", "a URL in the configuration holds no secret"},
		"secret written out":   {"webhook: {url: \"https://x.example/\", secret: hunter2}", "a secret is named here, never written"},
		"header written out":   {"otlp: {endpoint: \"localhost:1\", headers: {X-Key: hunter2}}", "a secret is named here, never written"},
		"key written out":      {"syslog: {address: \"a:1\", tls: {cert: c, key: hunter2}}", "a secret is named here, never written"},
		"header twice":         {"otlp: {endpoint: \"localhost:1\", headers: {A: \"env:A\", a: \"env:A\"}}", "given twice"},
		"header with a break":  {"otlp: {endpoint: \"localhost:1\", headers: {\"A\\r\\nB\": \"env:A\"}}", "is no name of a header"},
		"no secret":            {"webhook: {url: \"https://x.example/\"}", "sinks.webhook needs a secret"},
		"certificate, no key":  {"syslog: {address: \"a:1\", tls: {cert: c.pem}}", "a certificate needs its key"},
		"no port":              {"syslog: {address: siem.example}", "expected host:port"},
		"odd format":           {"jsonl: {dir: d, format: csv}", "format is ndjson or ocsf"},
		"no directory":         {"jsonl: {format: ocsf}", "sinks.jsonl needs dir"},
		"metrics for everyone": {"prometheus: {address: \"0.0.0.0:9464\"}", "on the loopback interface alone"},
		"metrics by name":      {"prometheus: {address: \"metrics.example:9464\"}", "on the loopback interface alone"},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := Load(Where{Flag: write(t, "sinks:\n  "+c.text+"\n")})
			if len(problems) != 1 || !strings.Contains(problems[0].String(), c.want) {
				t.Fatalf("got %v, want one problem with %q", problems, c.want)
			}
			if strings.Contains(problems[0].String(), "hunter2") {
				t.Errorf("the problem repeats the secret: %s", problems[0])
			}
			if problems[0].Line != 2 {
				t.Errorf("the problem stands at line %d, not 2", problems[0].Line)
			}
		})
	}
}
