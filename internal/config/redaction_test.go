package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWhatTheLogHides(t *testing.T) {
	path := write(t, `audit:
  redaction: {tier: 3, labels: [docs, public], recipient: age1abc}
  replay: {keep: 7d, size: 16MiB}
  pseudonyms: true
  canaries: [env:GITHUB_TOKEN, file:secrets/db]
`)
	c, problems := Load(Where{Flag: path})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := Default().Audit
	want.Redaction = Redaction{Tier: 3, Labels: []string{"docs", "public"}, Recipient: "age1abc"}
	want.Replay = Replay{Keep: 7 * 24 * time.Hour, Size: 16 << 20}
	want.Pseudonyms = true
	want.Canaries = []Reference{{"env", "GITHUB_TOKEN"}, {"file", strings.TrimSuffix(path, "custos.yaml") + "secrets/db"}}
	if diff := cmp.Diff(want, c.Audit); diff != "" {
		t.Error(diff)
	}
	if c, problems = Load(Where{Flag: write(t, "audit: {replay: off}\n")}); len(problems) > 0 || !c.Audit.Replay.Off {
		t.Errorf("%+v, %v", c.Audit, problems)
	}
}

func TestProblemsOfWhatTheLogHides(t *testing.T) {
	for text, want := range map[string]string{
		"audit: {redaction: {tier: 4}}":                                `tier is 1, 2 or 3, not "4"`,
		"audit: {redaction: {tier: 3}}":                                "tier 3 needs a recipient",
		"audit: {redaction: {teir: 2}}":                                `did you mean "tier"?`,
		"audit: {redaction: {labels: []}}":                             "labels is a list",
		"audit: {redaction: {labels: [a, a]}}":                         `"a" is given twice`,
		"audit: {redaction: {recipient: bob}}":                         "an auditor's public key",
		"audit: {redaction: {recipient: AGE-SECRET-KEY-1HUSH}}":        "this is a secret one",
		"audit: {replay: {keep: 30 days}}":                             "expected a duration from 1m to 400d",
		"audit: {replay: {keep: 500d}}":                                "expected a duration",
		"audit: {replay: {keep: 99999999999999999999d}}":               "expected a duration",
		"audit: {replay: {keep: 0s}}":                                  "expected a duration",
		"audit: {replay: {kept: 1d}}":                                  `did you mean "keep"?`,
		"audit: {replay: {size: 1MiB}}":                                "expected a size",
		"audit: {replay: always}":                                      "audit.replay is a mapping",
		"audit: {pseudonyms: maybe}":                                   "expected true or false",
		"audit: {canaries: hush-hush}":                                 "canaries is a list",
		"audit: {canaries: [hush-hush]}":                               "a secret is named here, never written",
		"audit: {canaries: [env:A, env:A]}":                            `"env:A" is given twice`,
		"audit: {redact: {tier: 2}}":                                   `unknown key "redact" in audit`,
		"audit: {replay: {keep: 1m}, redaction: {tier: 2}}":            "",
		"audit: {replay: {keep: 36h}}":                                 "",
		"audit: {redaction: {recipient: age1x, tier: 1, labels: [a]}}": "",
	} {
		_, problems := Load(Where{Flag: write(t, text+"\n")})
		var got []string
		for _, p := range problems {
			got = append(got, p.String())
		}
		all := strings.Join(got, "\n")
		if want == "" && all != "" || !strings.Contains(all, want) || len(problems) > 1 {
			t.Errorf("%s: got %q, want %q", text, all, want)
		}
		if strings.Contains(all, "HUSH") || strings.Contains(all, "hush") {
			t.Errorf("%s: a secret is repeated: %s", text, all)
		}
	}
}
