package canary

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
)

const hard = `p@ss/w"örd\<&>+ 🔑`

func matcher(t testing.TB, values ...string) *Matcher {
	t.Helper()
	var secrets []Secret
	for i, v := range values {
		secrets = append(secrets, Secret{Name: "env:S" + string(rune('0'+i)), Value: v})
	}
	m, err := New(secrets)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func quoted(t testing.TB, s string) string {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFindsASecretInEveryEncoding(t *testing.T) {
	for _, value := range []string{"tok_8f3c2a91bd", hard, "multi\nline\tsecret", strings.Repeat("k", 200)} {
		m := matcher(t, value)
		for name, text := range map[string]string{
			"raw":                  "before " + value + " after",
			"alone":                value,
			"in JSON":              quoted(t, "x "+value+" y"),
			"in JSON in JSON":      quoted(t, quoted(t, value)),
			"slashes escaped":      strings.ReplaceAll(quoted(t, value), "/", `\/`),
			"base64":               base64.StdEncoding.EncodeToString([]byte(value)),
			"base64 behind one":    base64.StdEncoding.EncodeToString([]byte("u" + value + "zz")),
			"base64 behind two":    base64.URLEncoding.EncodeToString([]byte("u:" + value + "z")),
			"basic authentication": "Basic " + base64.StdEncoding.EncodeToString([]byte("somebody:"+value)),
			"query":                "https://x/?q=" + url.QueryEscape(value),
			"path":                 "https://x/" + url.PathEscape(value),
			"lower escapes":        "https://x/?q=" + lowerEscapes(url.QueryEscape(value)),
			"hex":                  hex.EncodeToString([]byte(value)),
			"cut short":            value[:len(value)-1] + "…",
			"cut and counted":      value[:8] + "…[4242 bytes]",
			"twice":                value + value,
		} {
			got, found := m.Mask(text)
			if !found || !m.Find(text) || !strings.Contains(got, "[secret env:S0]") {
				t.Errorf("%s: %q stays %q", name, text, got)
			}
			if m.Find(got) {
				t.Errorf("%s: %q is still found in %q", name, value, got)
			}
		}
	}
}

func TestLeavesOtherTextAlone(t *testing.T) {
	m := matcher(t, "tok_8f3c2a91bd", hard)
	for _, s := range []string{"", "tok_8f3", "tok_8f3c2a91bX", "see tok_8f3c and more…text", "nothing here", strings.Repeat("tok_8f3c", 50)} {
		if got, found := m.Mask(s); found || got != s {
			t.Errorf("%q became %q", s, got)
		}
	}
	var none *Matcher
	if got, found := none.Mask("tok_8f3c2a91bd"); found || none.Find("x") || got != "tok_8f3c2a91bd" {
		t.Error("a nil matcher finds something")
	}
	if allocs := testing.AllocsPerRun(100, func() { m.Mask("a text without any secret in it") }); allocs != 0 {
		t.Errorf("%v allocations for a text without a secret", allocs)
	}
}

func TestSeveralSecrets(t *testing.T) {
	m := matcher(t, "aaaabbbbcccc", "aaaabbbbcccc-longer")
	got, _ := m.Mask("x aaaabbbbcccc-longer y aaaabbbbcccc z")
	if want := "x [secret env:S1] y [secret env:S0] z"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestShortSecretsAreRefused(t *testing.T) {
	_, err := New([]Secret{{Name: "env:PIN", Value: "hunter2"}})
	if !errors.Is(err, ErrShort) || !strings.Contains(err.Error(), "env:PIN") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
	if m, err := New(nil); m != nil || err != nil {
		t.Errorf("without secrets: %v, %v", m, err)
	}
}

func FuzzMask(f *testing.F) {
	f.Add("before", "secret-value-1", "after")
	f.Add("{\"a\":\"", "\"\\\x00\xffabcdefgh", "…")
	f.Fuzz(func(t *testing.T, before, value, after string) {
		m, err := New([]Secret{{Name: "n", Value: value}})
		if err != nil || strings.Contains("[secret n]", value) {
			return
		}
		got, found := m.Mask(before + value + after)
		if !found {
			t.Fatalf("%q is not found", value)
		}
		if strings.Contains(strings.ReplaceAll(got, "[secret n]", "\x00"), value) && !strings.Contains(value, "\x00") {
			t.Fatalf("%q stands in %q", value, got)
		}
	})
}

func BenchmarkMask(b *testing.B) {
	m := matcher(b, "tok_8f3c2a91bd", hard, strings.Repeat("k", 40))
	text := strings.Repeat("lorem ipsum dolor sit amet, ", 40000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		m.Find(text)
	}
}
