package canon

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// urlCase is a row of testdata/urls.json; without url, raw is no URL.
type urlCase struct {
	Why    string   `json:"why"`
	Raw    string   `json:"raw"`
	URL    string   `json:"url"`
	Port   int      `json:"port"`
	Flags  []string `json:"flags"`
	Others []string `json:"others"`
}

func TestURLs(t *testing.T) {
	for _, c := range readCases[urlCase](t, "urls.json") {
		u, ok := ReadURL(c.Raw)
		got := urlCase{Why: c.Why, Raw: c.Raw}
		if ok {
			got.URL, got.Port = u.String(), u.Port
			for _, o := range u.Others {
				got.Others = append(got.Others, o.String())
			}
		}
		if u.Userinfo && ok {
			got.Flags = append(got.Flags, "userinfo")
		}
		if u.Doubtful && ok {
			got.Flags = append(got.Flags, "doubtful")
		}
		if diff := cmp.Diff(c, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", c.Why, diff)
		}
		if ok && u.Grantable() != (len(c.Flags) == 0) {
			t.Errorf("%s: grantable %v", c.Why, u.Grantable())
		}
	}
}

func TestEmailDomain(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string
	}{
		{"a@Example.COM", []string{"example.com"}},
		{"Ann <a@example.com>", []string{"example.com"}},
		{"MAILTO:a@example.com?subject=x@y", []string{"example.com"}},
		{"a@[127.0.0.1]", []string{"127.0.0.1"}},
		{"a@bücher.example", []string{"xn--bcher-kva.example"}},
		{"a@acme.example, b@evil.example; c@acme.example", []string{"acme.example", "evil.example"}},
		{`"a@b"@example.com`, []string{"example.com"}},
		{"write to a@example.com", nil},
		{"a@", nil},
		{"@example.com", nil},
		{"https://u@example.com/", nil},
		{"a", nil},
		{"", nil},
	} {
		if diff := cmp.Diff(c.want, EmailDomains(c.in)); diff != "" {
			t.Errorf("%q (-want +got)\n%s", c.in, diff)
		}
		domain, ok := EmailDomain(c.in)
		if ok != (len(c.want) == 1) || ok && domain != c.want[0] {
			t.Errorf("%q: %q %v", c.in, domain, ok)
		}
	}
}
