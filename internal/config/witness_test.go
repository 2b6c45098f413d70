package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWitnesses(t *testing.T) {
	const key = "witness.example+00000000+BAAA"
	tests := []struct {
		name, text string
		want       []Witness
		problem    string // "": none
	}{
		{
			"two", "audit: {key: keychain, witness: [{url: 'https://w.example/x', key: " + key + "}, {url: 'http://127.0.0.1:7445', key: " + key + "}]}",
			[]Witness{{"https://w.example/x", key}, {"http://127.0.0.1:7445", key}},
			"",
		},
		{"no key", "audit: {witness: ['https://w.example']}", nil, "a witness needs its key"},
		{"half", "audit: {witness: [{url: 'https://w.example'}]}", nil, "has url and key"},
		{"no list", "audit: {witness: {url: x}}", nil, "is a list"},
		{"no TLS", "audit: {witness: [{url: 'http://w.example', key: " + key + "}]}", nil, "not the address"},
		{"password", "audit: {witness: [{url: 'https://u:p@w.example', key: " + key + "}]}", nil, "not the address"},
		{"not a key", "audit: {witness: [{url: 'https://w.example', key: abc}]}", nil, "not the key of a witness"},
		{"place", "audit: {key: cloud}", nil, "file or keychain"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "custos.yaml")
			if err := os.WriteFile(path, []byte("version: 1\n"+c.text+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			conf, problems := Load(Where{Flag: path})
			if c.problem != "" {
				if len(problems) == 0 || !strings.Contains(problems[0].String(), c.problem) {
					t.Fatalf("problems %v, want %q", problems, c.problem)
				}
				return
			}
			if d := cmp.Diff(c.want, conf.Audit.Witnesses); d != "" || len(problems) > 0 || !conf.Audit.Keychain {
				t.Fatalf("%v (-want +got)\n%s", problems, d)
			}
		})
	}
}
