package config

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMessages(t *testing.T) {
	path := write(t, `approvals:
  webhook: {url: "https://hooks.corp.example/x", secret: "file:hook", details: true, tls: {ca: ca.pem}}
  slack: {url: "file:slack"}
`)
	got, problems := Load(Where{Flag: path})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	dir := filepath.Dir(path)
	hook, slack := Reference{"file", filepath.Join(dir, "hook")}, Reference{"file", filepath.Join(dir, "slack")}
	want := Approvals{
		Wait: got.Approvals.Wait, Open: 5, Channels: []string{"elicitation", "tty", "cli", "webhook", "slack"},
		Webhook: &Message{URL: "https://hooks.corp.example/x", Secret: hook, Details: true, TLS: TLS{CA: filepath.Join(dir, "ca.pem")}},
		Slack:   &Message{Where: slack},
	}
	if diff := cmp.Diff(want, got.Approvals); diff != "" {
		t.Error(diff)
	}
	if secrets := got.Secrets(); secrets[0] != hook || secrets[4] != slack {
		t.Errorf("%v", secrets)
	}
}

func TestMessagesThatGoNowhere(t *testing.T) {
	for text, want := range map[string]string{
		"channels: [webhook]":                  `channel "webhook" has nowhere to go`,
		"channels: [slack]":                    `channel "slack" has nowhere to go`,
		"webhook: {url: 'https://h.example/'}": "needs a secret to sign with",
		"webhook: {secret: 'env:X'}":           "approvals.webhook needs url",
		"slack: {details: true}":               "approvals.slack needs url",
		"slack: {url: 'https://hooks.slack.example/services/T0/B0/hunter2'}":               "a secret is named here, never written",
		"webhook: {url: 'http://h.example/', secret: 'env:X'}":                             "would travel in the open",
		"webhook: {url: 'https://u:hunter2@h.example/', secret: 'env:X'}":                  "holds no secret",
		"webhook: {url: 'file:///etc/passwd', secret: 'env:X'}":                            "expected a URL",
		"channels: [cli], webhook: {url: 'http://127.0.0.1:9/', secret: 'env:X'}":          "",
		"channels: [desktop, webhook], webhook: {url: 'http://[::1]:9/', secret: 'env:X'}": "",
	} {
		c, problems := Load(Where{Flag: write(t, "approvals: {"+text+"}\n")})
		if want == "" && len(problems) > 0 || want != "" && (len(problems) != 1 || !strings.Contains(problems[0].String(), want)) {
			t.Errorf("%s: %v, want %s", text, problems, want)
		}
		if len(problems) > 0 && strings.Contains(problems[0].String(), "hunter2") {
			t.Errorf("repeats a secret: %v", problems)
		}
		if strings.Contains(text, "channels: [cli]") && len(c.Approvals.Channels) != 1 {
			t.Errorf("%s: %v", text, c.Approvals.Channels)
		}
	}
}
