package pdp

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/custos-zt/custos/access"
)

// asRegexp is what wild means, written another way.
func asRegexp(pattern string, sep byte) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for p := pattern; p != ""; {
		switch {
		case strings.HasPrefix(p, "**") || p[0] == '*' && sep == 0:
			b.WriteString(`.*`)
			p = strings.TrimLeft(p, "*")
		case p[0] == '*':
			b.WriteString(`[^/]*`)
			p = p[1:]
		default:
			b.WriteString(regexp.QuoteMeta(p[:1]))
			p = p[1:]
		}
	}
	b.WriteString(`\z`)
	return regexp.MustCompile(b.String())
}

func FuzzWild(f *testing.F) {
	for _, c := range [][2]string{{"a*b", "axxb"}, {"**/x", "a/b/x"}, {"*/b/*", "a/b/c"}, {"a**b*c", "a/b/bxc"}, {"*", "a/b"}, {"***", "x"}} {
		f.Add(c[0], c[1])
	}
	f.Fuzz(func(t *testing.T, pattern, s string) {
		ascii := func(r rune) bool { return r >= 0x80 }
		if len(pattern)+len(s) > 60 || strings.IndexFunc(pattern+s, ascii) >= 0 {
			return
		}
		for _, sep := range []byte{0, '/'} {
			if got, want := wild(pattern, s, sep), asRegexp(pattern, sep).MatchString(s); got != want {
				t.Fatalf("wild(%q, %q, %q) = %v, want %v", pattern, s, sep, got, want)
			}
		}
	})
}

func TestWildOverASmallAlphabet(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	word := func(n int, alphabet string) string {
		b := make([]byte, rnd.IntN(n))
		for i := range b {
			b[i] = alphabet[rnd.IntN(len(alphabet))]
		}
		return string(b)
	}
	for range 200_000 {
		pattern, s := word(8, "ab/**"), word(10, "ab/")
		for _, sep := range []byte{0, '/'} {
			if got, want := wild(pattern, s, sep), asRegexp(pattern, sep).MatchString(s); got != want {
				t.Fatalf("wild(%q, %q, %q) = %v, want %v", pattern, s, sep, got, want)
			}
		}
	}
}

// The short ways to match a path mean what doublestar means.
func TestPathShapesAreDoublestar(t *testing.T) {
	patterns := []string{
		"**", "/a/b", "/a/b/**", "**/x", "**/a/x", "**/x*", "**/*.x", "**/a*b", "**/.ssh/**", "**/a/b/**",
		"/**", "/a/*", "/a/**/x", "a/b", "a/**", "**/*", "*/x", "/a/?", "/a/[ab]", "/a/{b,c}/**", `/a/\*`, "**/**",
	}
	segments := []string{"a", "b", "x", ".ssh", "ab", "a.x", "xa", "", "acb", "*"}
	for _, text := range patterns {
		p, err := ParsePath(text)
		if err != nil {
			t.Fatal(err)
		}
		var try func(path string, depth int)
		try = func(path string, depth int) {
			if want := doublestar.MatchUnvalidated(text, path); p.Matches(path) != want {
				t.Errorf("%q on %q: %v, doublestar says %v", text, path, !want, want)
			}
			if depth == 0 {
				return
			}
			for _, s := range segments {
				try(path+"/"+s, depth-1)
			}
		}
		for _, start := range append(segments, "/a", "/x", "/.ssh") {
			try(start, 3)
		}
	}
}

func TestADirectoryPatternIncludesTheDirectory(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"/srv/pub/**", "/srv/pub", true},
		{"/srv/pub/**", "/srv/public", false},
		{"/srv/*/pub/**", "/srv/a/pub", true},
		{"**/node_modules/**", "/x/node_modules", true},
	} {
		p, err := ParsePath(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Matches(c.path); got != c.want {
			t.Errorf("%s on %s: %v", c.pattern, c.path, got)
		}
	}
}

// The index finds exactly the rules whose patterns match, and no rule that the
// caller could meet is left out.
func TestIndexFindsWhatMatches(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	pick := func(words ...string) string { return words[rnd.IntN(len(words))] }
	for range 60 {
		var p Program
		for i := range 200 {
			kind := access.Kind(rnd.IntN(4))
			name := pick("read", "re*", "*ad", "r*d", "*", "write_*", "*_all", "w*_*l", "file:///a/**", "file:///a/*", "file:///a", "a/b", "a/*", "**", "file:///*/b/**")
			r := Rule{ID: fmt.Sprint("r", i), Effect: access.Allow, Targets: []Target{{
				Kind: kind, Backend: ParseName(access.Tool, pick("b", "c", "*", "b*", "*c")), Name: ParseName(kind, name),
			}}}
			if rnd.IntN(3) > 0 {
				r.Ops = []Op{{Code: CodeRoles, Names: []string{pick("x", "corp:x", "y", "z*")}}}
			}
			p.Rules = append(p.Rules, r)
		}
		s := Build(p)
		for range 50 {
			req := &access.Request{
				Kind: access.Kind(rnd.IntN(4)), Backend: pick("b", "c", "bc", "d"),
				Name:    pick("read", "ready", "write_all", "write_", "file:///a", "file:///a/b", "file:///x/b", "file:///x/b/c", "a/b", "a/b/c", "rd"),
				Subject: access.Subject{ID: "u", Issuer: "corp", Known: rnd.IntN(4) > 0, Roles: []string{pick("x", "y", "zz")}},
			}
			compareCandidates(t, s, req)
		}
	}
}

func compareCandidates(t *testing.T, s *Snapshot, req *access.Request) {
	t.Helper()
	e := evaluation{s: s, r: req}
	e.begin()
	found := map[int32]bool{}
	for _, i := range e.candidates() {
		found[i] = true
	}
	for i := range s.rules {
		r := &s.rules[i]
		want := covers(s.targets[i], req, req.Name)
		if want && r.ops.from < r.ops.to {
			want = e.eval(&s.ops[r.ops.from], restricting) != access.False
		}
		if want && !found[int32(i)] {
			t.Fatalf("%s %s %s: rule on %s was not found", req.Kind, req.Backend, req.Name, s.infos[i].Targets[0].String())
		}
		exact := req.Kind == access.Tool || req.Kind == access.Prompt
		if exact && found[int32(i)] && !covers(s.targets[i], req, req.Name) {
			t.Fatalf("%s %s %s: rule on %s was found", req.Kind, req.Backend, req.Name, s.infos[i].Targets[0].String())
		}
	}
}

func TestShortIntegers(t *testing.T) {
	for raw, want := range map[string]bool{
		"0": true, "-1": true, "999999999999999999": true, "-999999999999999999": true,
		"9999999999999999999": false, "1.0": false, "1e3": false, "-1.5": false,
	} {
		if _, ok := shortInt(access.Scalar(access.Number, raw, "")); ok != want {
			t.Errorf("%s: %v", raw, ok)
		}
	}
}

// dir/** includes dir, whatever dir is made of.
func TestUnderIncludesTheDirectory(t *testing.T) {
	for pattern, paths := range map[string][]string{
		"**/.env*/**":    {"/a/.env", "/a/.env/x", "/a/.envrc", "/a/.env.d/x/y"},
		"/etc/cron*/**":  {"/etc/cron", "/etc/cron/x", "/etc/cron.d"},
		"/a/{b,c}/**":    {"/a/b", "/a/c/x"},
		"/a/[xy]*/**":    {"/a/x", "/a/y1/z"},
		"/srv/*/logs/**": {"/srv/a/logs", "/srv/a/logs/x"},
	} {
		p, err := ParsePath(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if !p.Matches(path) {
				t.Errorf("%s does not match %s", pattern, path)
			}
		}
		if p.Matches("/a") || p.Matches("/etc") || p.Matches("/srv/a") {
			t.Errorf("%s matches the directory above", pattern)
		}
	}
}
