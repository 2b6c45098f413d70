package canon

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pathCase is a row of testdata/paths.json. Readings are all, in order;
// Suspects are some of the suspect forms. A reading that is not UTF-8 is
// written with \x escapes.
type pathCase struct {
	Why      string   `json:"why"`
	Raw      string   `json:"raw"`
	Base     string   `json:"base"`
	Readings []string `json:"readings"`
	Flags    []string `json:"flags"`
	Suspects []string `json:"suspects"`
}

// readCases decodes a file of testdata strictly.
func readCases[T any](t testing.TB, file string) []T {
	t.Helper()
	data, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var cases []T
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

func flagsOf(f PathForm) []string {
	var out []string
	for _, flag := range []struct {
		name string
		set  bool
	}{
		{"home", f.Home},
		{"drive", f.Drive},
		{"unc", f.UNC},
		{"stream", f.Stream},
		{"scheme", f.Scheme},
		{"control", f.Control},
		{"doubtful", f.Doubtful},
	} {
		if flag.set {
			out = append(out, flag.name)
		}
	}
	return out
}

func TestPaths(t *testing.T) {
	for _, c := range readCases[pathCase](t, "paths.json") {
		form := ReadPath(c.Raw)
		readings := LexicalReadings(form, c.Base)
		for i := range readings {
			readings[i] = strings.ReplaceAll(readings[i], "\xff", `\xff`)
		}
		if diff := cmp.Diff(c.Readings, readings); diff != "" {
			t.Errorf("%s: %q: readings (-want +got)\n%s", c.Why, c.Raw, diff)
		}
		if diff := cmp.Diff(c.Flags, flagsOf(form)); diff != "" {
			t.Errorf("%s: %q: flags (-want +got)\n%s", c.Why, c.Raw, diff)
		}
		if form.Grantable() != (len(c.Flags) == 0) {
			t.Errorf("%s: %q: grantable %v", c.Why, c.Raw, form.Grantable())
		}
		suspects := SuspectForms(c.Raw)
		if suspects[0] != c.Raw {
			t.Errorf("%s: %q: as sent is missing", c.Why, c.Raw)
		}
		for _, s := range c.Suspects {
			if !slices.Contains(suspects, s) {
				t.Errorf("%s: %q: no suspect form %q in %q", c.Why, c.Raw, s, suspects)
			}
		}
	}
}

func TestJoin(t *testing.T) {
	for _, c := range [][3]string{
		{"/a", "b", "/a/b"}, {"/a", "/b", "/b"}, {"/a/", "../b", "/b"}, {"/", "..", "/"}, {"/a", "", "/a"},
	} {
		if got := Join(c[0], c[1]); got != c[2] {
			t.Errorf("%q + %q = %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

func TestFold(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"/etc/passwd", "/etc/passwd"},
		{"/Etc/PASSWD", "/etc/passwd"},
		{"Résumé", "résumé"},
		{"Re\u0301sume\u0301", "résumé"},
		{"STRASSE", "strasse"},
		{"Straße", "strasse"},
		{"ﬁle", "file"},
		{"\u212aey", "key"},
		{"ſecret", "secret"},
		{"／ｅｔｃ／．．", "/etc/.."},
		{".e\u200bn\u00adv\ufe0f", ".env"},
		{"Σίσυφος", "σίσυφοσ"},
		{"İ", "i\u0307"},
		{"文件", "文件"},
		{"a\xffB", "a\ufffdb"},
	} {
		if got := Fold(c.in); got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
	if n := testing.AllocsPerRun(100, func() { Fold("/srv/pub/a.txt") }); n != 0 {
		t.Errorf("%v allocations for folded ASCII", n)
	}
}

func TestFoldPaths(t *testing.T) {
	got := FoldPaths([]string{"/Srv/pub/‥/Secret", "/srv/x"})
	want := []string{"/srv/pub/../secret", "/srv/secret", "/srv/x"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
