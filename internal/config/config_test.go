package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "custos.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadsEverySection(t *testing.T) {
	path := write(t, `
version: 1
state: state
policy: {files: [{path: policies/*.yaml, layer: global}, {path: /etc/p.yaml}]}
limits: {frame: 1MiB, depth: 32, in_flight: 8MiB}
audit: {segment: {size: 1MiB, age: 30m}}
approvals: {wait: 0s, open: 12, channels: [cli]}
listen: {admin: 127.0.0.1:9}
denials: error
`)
	got, problems := Load(Where{Flag: path})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	dir := filepath.Dir(path)
	want := Config{
		Version: 1, State: filepath.Join(dir, "state"),
		Policy: Policy{Files: []PolicyFile{
			{Path: filepath.Join(dir, "policies/*.yaml"), Layer: "global"},
			{Path: "/etc/p.yaml", Layer: "global"},
		}},
		Limits:    Limits{Frame: 1 << 20, Depth: 32, InFlight: 8 << 20},
		Audit:     Audit{SegmentSize: 1 << 20, SegmentAge: 30 * time.Minute, Redaction: defaultRedaction(), Replay: defaultReplay()},
		Approvals: Approvals{Channels: []string{"cli"}, Open: 12},
		Listen:    Listen{Admin: "127.0.0.1:9"},
		Denials:   DenyAsError, Source: path,
	}
	if !strings.HasPrefix(got.Text, "# "+path+"\n") || !strings.Contains(got.Text, "denials: error\n") {
		t.Errorf("text %q", got.Text)
	}
	got.Text = ""
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestApprovals(t *testing.T) {
	for text, want := range map[string]string{
		"approvals: {wait: 11m}":                  "wait is a duration up to 10m",
		"approvals: {wait: -1s}":                  "wait is a duration up to 10m",
		"approvals: {wait: soon}":                 "wait is a duration up to 10m",
		"approvals: {channels: cli}":              "channels is a list",
		"approvals: {channels: [owl]}":            `"owl" is no channel`,
		"approvals: {channels: [cli, cli]}":       `"cli" is given twice`,
		"approvals: {open: 0}":                    "open is a number from 1 to 100",
		"approvals: {open: many}":                 "expected a whole number",
		"approvals: {channel: [cli]}":             `did you mean "channels"?`,
		"approvals: {wait: 5s, channels: []}":     "",
		"approvals: {wait: 10m, channels: [cli]}": "",
	} {
		_, problems := Load(Where{Flag: write(t, text+"\n")})
		if want == "" && len(problems) > 0 || want != "" && (len(problems) != 1 || !strings.Contains(problems[0].String(), want)) {
			t.Errorf("%s: %v, want %s", text, problems, want)
		}
	}
}

func TestProblemsHavePlacesAndHints(t *testing.T) {
	path := write(t, `version: 2
polcy: {}
limits: {frame: 16MB, depth: many}
session: {ttl: 8h}
denials: silent
denials: result
`)
	_, problems := Load(Where{Flag: path})
	want := []string{
		":1:10: version 2 is not known",
		`:2:1: unknown key "polcy" in the file (did you mean "policy"?)`,
		`:3:17: expected a size from 1024 to 268435456 bytes, not "16MB"`,
		`:3:30: expected a whole number, not "many"`,
		`:4:1: "session" is not supported by this version`,
		`:5:10: denials is result or error, not "silent"`,
		`:6:1: "denials" is given twice`,
	}
	if len(problems) != len(want) {
		t.Fatalf("got %d problems, want %d: %v", len(problems), len(want), problems)
	}
	for i, p := range problems {
		if !strings.HasPrefix(strings.TrimPrefix(p.String(), path), want[i]) {
			t.Errorf("got %s\nwant …%s", p, want[i])
		}
	}
}

func TestAManagedSystemFileIsTheOnlyOne(t *testing.T) {
	system := write(t, "managed: true\nlimits: {depth: 8}\n")
	user := write(t, "limits: {depth: 900}\n")
	c, problems := Load(Where{System: system, Flag: user, User: user})
	if len(problems) > 0 || c.Limits.Depth != 8 || !c.Managed {
		t.Errorf("got %+v, %v", c, problems)
	}
}

func TestANamedFileMustExist(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "no.yaml")
	if _, problems := Load(Where{Flag: missing}); len(problems) != 1 {
		t.Errorf("a file given by flag is missing: %v", problems)
	}
	if _, problems := Load(Where{User: missing}); len(problems) != 0 {
		t.Errorf("the user's file may be missing: %v", problems)
	}
}

func TestNothingComesFromTheWorkingDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("custos.yaml", []byte("denials: error\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := DefaultWhere("", func(string) string { return "" })
	w.System = ""
	c, problems := Load(w)
	if len(problems) > 0 || c.Denials != DenyAsResult {
		t.Errorf("got %+v, %v", c, problems)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("version: 1\npolicy: {files: [{path: x}]}\n")
	f.Add("limits: {frame: 16MiB}\n---\na: 1\n")
	f.Add("a: &x [*x]\n")
	f.Fuzz(func(_ *testing.T, text string) {
		c := Default()
		for _, p := range c.decode("f", []byte(text)) {
			_ = p.String()
		}
	})
}

func TestTheTrustRootStandsBesideTheFile(t *testing.T) {
	path := write(t, "policy: {trust_root: keys/policy.pub, audience: desk}\n")
	c, problems := Load(Where{Flag: path})
	if want := filepath.Join(filepath.Dir(path), "keys/policy.pub"); len(problems) > 0 || c.Policy.TrustRoot != want || c.Policy.Audience != "desk" {
		t.Errorf("got %+v, %v", c.Policy, problems)
	}
	if _, problems := Load(Where{Flag: write(t, "policy: {trust_root: \"\"}\n")}); len(problems) != 1 {
		t.Errorf("a trust root that names no file: %v", problems)
	}
}
