package proof

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

func TestWiden(t *testing.T) {
	for _, c := range []struct {
		kind     kind
		in, want string
	}{
		{kindTarget, "*", ""},
		{kindTarget, "*.*", ""},
		{kindTarget, "files.*", "*.*"},
		{kindTarget, "files.read_*", "files.*"},
		{kindTarget, "read", "*"},
		{kindTarget, "prompt:web.*", "prompt:*.*"},
		{kindTarget, "resource:crm.note://a", "resource:crm.**"},
		{kindTarget, "method:vendor/x", "method:**"},
		{kindTarget, "method:**", ""},
		{kindPath, "~/src/app/**", "~/src/*/**"},
		{kindPath, "/a/*/**", "/*/**"},
		{kindPath, "/a/b", "/a/*"},
		{kindPath, "**/*.pem", "**/*"},
		{kindPath, "**/*", ""},
		{kindPath, "**", ""},
		{kindPath, "~/**", "**"},
		{kindURL, "https://a.example/x/**", "https://a.example/*/**"},
		{kindURL, "https://a.example/**", "https://*.example/**"},
		{kindURL, "spiffe://acme/ci/**", "spiffe://acme/*/**"},
		{kindHost, "a.acme.example", "*.acme.example"},
		{kindHost, "*.acme.example", "*.example"},
		{kindHost, "*.example", "**"},
		{kindHost, "**", ""},
		{kindCommand, "go test ./...", "go test *"},
		{kindCommand, "go test *", "go * *"},
		{kindCommand, "pwd", "*"},
		{kindCommand, "*", ""},
	} {
		if got := widen(c.in, c.kind); got != c.want {
			t.Errorf("widen(%q, %d) = %q, want %q", c.in, c.kind, got, c.want)
		}
	}
}

func TestShifts(t *testing.T) {
	for _, c := range []struct {
		key, in string
		want    []string
	}{
		{"max", "10", []string{"9", "11"}},
		{"min", "0", []string{"-1", "1"}},
		{"min_length", "0", []string{"1"}},
		{"max", "0.50", []string{"0.49", "0.51"}},
		{"max", "9007199254740993", []string{"9007199254740992", "9007199254740994"}},
		{"max", "1e400", nil},
		{"max", "100/1m", []string{"99/1m", "101/1m"}},
		{"max_age", "10m", []string{"9m59s", "10m1s"}},
		{"max_age", "1d", []string{"23h59m59s", "24h0m1s"}},
		{"between", "20:00-07:00", []string{"19:59-07:00", "20:00-06:59", "20:01-07:00", "20:00-07:01"}},
		{"enum", "3", nil},
	} {
		var n yaml.Node
		if err := yaml.Unmarshal([]byte(c.in), &n); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, shifts(c.key, n.Content[0])); diff != "" {
			t.Errorf("%s: %s: %s", c.key, c.in, diff)
		}
	}
}
