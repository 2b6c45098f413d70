package config

import (
	"strings"
	"testing"
)

func TestAddressesOfThisMachine(t *testing.T) {
	for text, want := range map[string]bool{
		"127.0.0.1:7444": true, "[::1]:7444": true, "127.0.0.1:0": true, "127.8.9.1:65535": true,
		"": false, ":7444": false, "127.0.0.1": false, "0.0.0.0:7444": false, "[::]:7444": false, "localhost:7444": false,
		"192.168.1.4:7444": false, "127.0.0.1:65536": false, "127.0.0.1:07444": false, "127.0.0.1:http": false,
		"[::ffff:10.0.0.1]:7444": false, "127.0.0.1.example.org:7444": false, "[fe80::1%lo]:1": false,
	} {
		if LoopbackAddress(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}

func TestListen(t *testing.T) {
	for text, want := range map[string]string{
		"listen: {admin: 127.0.0.1:9}\n":              "",
		"listen: {admin: 0.0.0.0:9}\n":                `:1:17: listen.admin is an address of this machine with a port, not "0.0.0.0:9" (for example 127.0.0.1:7444)`,
		"listen: {http: 127.0.0.1:7443}\n":            `:1:10: unknown key "http" in listen`,
		"listen: {admin: 127.0.0.1:9, admn: a}\n":     `:1:30: unknown key "admn" in listen (did you mean "admin"?)`,
		"listen: {admin: [127.0.0.1:9, 127.0.0.1]}\n": `:1:17: `,
	} {
		c, problems := Load(Where{Flag: write(t, text)})
		switch {
		case want == "" && (len(problems) > 0 || c.Listen.Admin != "127.0.0.1:9"):
			t.Errorf("%s: %v, %+v", text, problems, c.Listen)
		case want != "" && (len(problems) == 0 || !strings.Contains(problems[0].String(), want)):
			t.Errorf("%s: %v", text, problems)
		}
	}
	if c := Default(); c.Listen.Admin != "127.0.0.1:7444" {
		t.Errorf("by default %q", c.Listen.Admin)
	}
}
