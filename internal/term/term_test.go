package term

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestEscape(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"plain text", "plain text"},
		{"naïve 日本語 é", "naïve 日本語 é"},
		{"\x1b[31mred", `\u001b[31mred`},
		{"a\nb\tc\rd", `a\nb\tc\u000dd`},
		{"evil\u202egnp.exe", `evil\u202egnp.exe`},
		{"zero\u200bwidth", `zero\u200bwidth`},
		{"tag\U000E0041", `tag\U000e0041`},
		{"heart\uFE0F", `heart\ufe0f`},
		{"bad\xffbyte", `bad\xffbyte`},
		{"\u0085\u009b", `\u0085\u009b`},
		{"blank\u3164letter", `blank\u3164letter`},
		{"no\u00a0break", `no\u00a0break`},
	} {
		if got := Escape(c.in); got != c.want {
			t.Errorf("Escape(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func FuzzEscape(f *testing.F) {
	f.Add("a\x1b[0m\u202e\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := Escape(s)
		if !utf8.ValidString(got) || strings.ContainsAny(got, "\x1b\n\r\x00\u202e\u200b") {
			t.Errorf("Escape(%q) = %q", s, got)
		}
		if again := Escape(got); again != got {
			t.Errorf("not stable: %q then %q", got, again)
		}
	})
}

func TestClip(t *testing.T) {
	if got := Clip("日本語テキスト", 4); got != "日本語…" {
		t.Errorf("got %q", got)
	}
	if got := Clip("short", 5); got != "short" {
		t.Errorf("got %q", got)
	}
}

func TestColourFollowsTheRules(t *testing.T) {
	env := func(kv ...string) func(string) string {
		return func(k string) string {
			for i := 0; i < len(kv); i += 2 {
				if kv[i] == k {
					return kv[i+1]
				}
			}
			return ""
		}
	}
	var pipe bytes.Buffer
	for _, c := range []struct {
		name   string
		getenv func(string) string
		off    bool
		want   bool
	}{
		{"a pipe", env(), false, false},
		{"forced", env("CLICOLOR_FORCE", "1"), false, true},
		{"NO_COLOR wins", env("CLICOLOR_FORCE", "1", "NO_COLOR", "1"), false, false},
		{"--no-color wins", env("CLICOLOR_FORCE", "1"), true, false},
	} {
		painted := For(&pipe, c.getenv, c.off).Paint(Red, "x") != "x"
		if painted != c.want {
			t.Errorf("%s: painted %v, want %v", c.name, painted, c.want)
		}
	}
}
