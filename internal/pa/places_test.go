package pa

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
)

// stage makes a directory with a public and a secret part and links between
// them, and returns its real path.
func stage(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"pub/sub", "secret/a"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{
		"pub/link":   "../secret",
		"pub/abs":    filepath.Join(dir, "secret"),
		"pub/loop":   "loop",
		"pub/within": "sub",
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func arguments(t *testing.T, text string) access.Value {
	t.Helper()
	v, err := canon.Parse(text, canon.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// one returns the place of the argument "path".
func one(t *testing.T, g Ground, raw string) access.Place {
	t.Helper()
	ps := g.places(arguments(t, `{"path":`+canon.Quote(raw)+`}`), &access.ToolFacts{})
	if len(ps) != 1 {
		t.Fatalf("%d places for %q", len(ps), raw)
	}
	return ps[0]
}

func TestReadingsOfADeclaredPath(t *testing.T) {
	dir := stage(t)
	g := Ground{Local: true, Home: "/home/dev", Bases: []string{dir}}
	for _, c := range []struct {
		raw       string
		readings  []string // below dir
		grantable bool
	}{
		{dir + "/pub/x", []string{"/pub/x"}, true},
		{dir + "//pub/./sub/../x", []string{"/pub/x"}, true},
		{"file://" + dir + "/pub/x", []string{"/pub/x"}, true},
		{dir + "/pub/100% done.txt", []string{"/pub/100% done.txt"}, true},
		{dir + "/pub/..hidden", []string{"/pub/..hidden"}, true},
		{dir + "/pub/[draft] v2.txt", []string{"/pub/[draft] v2.txt"}, true},
		{dir + "/pub/naïve 日本.txt", []string{"/pub/naïve 日本.txt"}, true},
		{dir + "/pub/%73ecret", []string{"/pub/%73ecret", "/pub/secret"}, true},
		{dir + "/secret/a/%2e%2e/%2e%2e/pub/new", []string{"/secret/a/%2e%2e/%2e%2e/pub/new", "/pub/new"}, true},
		// The kernel follows the link before it goes up: lexically this is
		// pub/x, and what opens is dir/x.
		{dir + "/pub/link/../x", []string{"/pub/x", "/x"}, true},
		{dir + "/pub/link/k", []string{"/pub/link/k", "/secret/k"}, true},
		{dir + "/pub/abs/k", []string{"/pub/abs/k", "/secret/k"}, true},
		{dir + "/pub/within/k", []string{"/pub/within/k", "/pub/sub/k"}, true},
		{dir + "/pub/loop/k", []string{"/pub/loop/k"}, false},
	} {
		p := one(t, g, c.raw)
		want := make([]string, len(c.readings))
		for i, r := range c.readings {
			want[i] = dir + r
		}
		if got := slices.Sorted(slices.Values(p.Readings)); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			t.Errorf("%q\n got %q\nwant %q", c.raw, got, want)
		}
		if p.Grantable != c.grantable || !p.Declared {
			t.Errorf("%q: grantable %v, declared %v", c.raw, p.Grantable, p.Declared)
		}
	}
}

func TestWhatCanSatisfyNoGrant(t *testing.T) {
	dir := stage(t)
	g := Ground{Local: true, Home: dir, Bases: []string{dir + "/pub"}}
	for _, raw := range []string{
		"x", "./x", "../x", "", "~", "~/x", "~root/x", `C:\x`, "C:/x", `\\srv\share`, "//?/C:/x",
		"https://h/x", " " + dir, `"` + dir + `"`,
	} {
		if p := one(t, g, raw); p.Grantable {
			t.Errorf("%q is grantable: %q", raw, p.Readings)
		}
	}
	for _, raw := range []string{dir + "/a\x00b", dir + "/a\nb", dir + "/%00", dir + "/a\u0085"} {
		if p := one(t, g, raw); !p.Refused || p.Grantable {
			t.Errorf("%q is not refused", raw)
		}
	}
}

// What a restriction sees must include every file that a server might open.
func TestWhatARestrictionSees(t *testing.T) {
	dir := stage(t)
	g := Ground{Local: true, Home: dir + "/home", Bases: []string{dir + "/pub", dir}}
	secret := canon.Fold(dir + "/secret/k")
	for _, raw := range []string{
		dir + "/secret/k", dir + "//secret/./k", dir + "/pub/../secret/k", dir + "/pub/link/k",
		"file://" + dir + "/secret/k", dir + "/%73ecret/k", dir + "/%2573ecret/k", dir + "/SECRET/K",
		dir + "/ｓecret/k", dir + "/pub/‥/secret/k", dir + "／secret／k", `"` + dir + `/secret/k"`, "  " + dir + "/secret/k  ",
		"secret/k", "../secret/k", "./secret/k", "link/k", strings.ReplaceAll(dir+"/secret/k", "/", `\`),
		"~/../secret/k", `"` + dir + `/pub/link/k"`, `'link/k'`, dir + `/pub/link\k`,
	} {
		for _, args := range []string{
			`{"path":` + canon.Quote(raw) + `}`,
			`{"other":{"deep":[` + canon.Quote(raw) + `]}}`,
		} {
			ps := g.places(arguments(t, args), &access.ToolFacts{})
			if !slices.ContainsFunc(ps, func(p access.Place) bool { return slices.Contains(p.Folded, secret) }) {
				t.Errorf("%s is not seen as %s: %q", args, secret, ps[0].Folded)
			}
		}
	}
}

func TestWhichArgumentsArePaths(t *testing.T) {
	facts := &access.ToolFacts{
		Paths:    []access.PathFact{{Arg: "where"}, {Arg: "files", Base: "repo"}, {Arg: "items[].at", Remote: true}},
		NotPaths: []string{"content", "edits"},
	}
	args := arguments(t, `{
		"where": "/a", "repo": "/r", "files": ["x", "/y"], "items": [{"at": "/z"}],
		"content": "/etc/passwd", "edits": [{"newText": "/etc/passwd", "path": "/etc/passwd"}],
		"outputDir": "/o", "profile": "/p", "source": "/s", "dest_path": "/d", "note": "see /n",
		"map": {"/key": 1}, "where2": 7}`)
	type seen struct {
		declared bool
		role     access.PlaceRole
		readings string
	}
	want := map[string]seen{
		"where":       {true, access.RolePath, "/a"},
		"repo":        {false, access.RolePath, "/r"},
		"files[0]":    {true, access.RolePath, "/r/x"},
		"files[1]":    {true, access.RolePath, "/y"},
		"items[0].at": {true, access.RolePath, "/z"},
		"outputDir":   {true, access.RolePath, "/o"},
		"profile":     {false, access.RolePath, "/p"},
		"source":      {true, access.RoleFrom, "/s"},
		"dest_path":   {true, access.RoleTo, "/d"},
		"note":        {false, access.RolePath, "see /n"},
		"map./key":    {false, access.RolePath, "/key"},
	}
	got := map[string]seen{}
	for _, p := range (Ground{}).places(args, facts) {
		got[p.Arg] = seen{p.Declared, p.Role, strings.Join(p.Readings, " ")}
	}
	for arg, w := range want {
		if got[arg] != w {
			t.Errorf("%s: got %+v, want %+v", arg, got[arg], w)
		}
		delete(got, arg)
	}
	for arg := range got {
		t.Errorf("%s is a place and should not be", arg)
	}
}

// A path that is declared and no string names something that cannot be read.
func TestAMistypedPathSatisfiesNoGrant(t *testing.T) {
	facts := &access.ToolFacts{Paths: []access.PathFact{{Arg: "where"}}}
	for _, text := range []string{`{"where": 7}`, `{"where": null}`, `{"where": {"x": true}}`} {
		ps := (Ground{}).places(arguments(t, text), facts)
		if len(ps) != 1 || !ps[0].Declared || ps[0].Grantable {
			t.Errorf("%s: %+v", text, ps)
		}
	}
}

func FuzzResolve(f *testing.F) {
	for _, s := range []string{"/", "/a/../b", "/tmp/./x//y", "/proc/self/cwd/..", "/\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, p string) {
		if !strings.HasPrefix(p, "/") {
			return
		}
		got, err := resolve(p)
		if err == nil && (got != canon.Clean(got) || !strings.HasPrefix(got, "/")) {
			t.Errorf("resolve(%q) = %q", p, got)
		}
	})
}

// The short way must see what the long way sees.
func TestPlainNamesAreReadLikeAllOthers(t *testing.T) {
	dir := stage(t)
	g := Ground{Local: true, Home: "/home/dev", Bases: []string{dir, dir + "/pub"}}
	for _, s := range []string{"secret", "Secret", "link", "abs", "within", "no such", "a.b-c_d", "x,y", "loop"} {
		if !plain(s) {
			t.Fatalf("%q is not plain", s)
		}
		short := g.name("a", s)
		w := walker{ground: g, facts: &access.ToolFacts{}}
		form := canon.ReadPath(s)
		long := access.Place{Arg: "a", Raw: s}
		long.Readings, _ = readings(form, nil, true)
		long = w.suspected(long, form, true)
		for _, f := range long.Folded {
			if !slices.Contains(short.Folded, f) {
				t.Errorf("%q: the short way does not see %q: %q", s, f, short.Folded)
			}
		}
	}
	for _, s := range []string{"", ".", "..", " x", "x ", "x.", "a/b", `a\b`, "~", "%2e", "C:x", "é", `"x"`, "a\nb", "x\x00"} {
		if plain(s) {
			t.Errorf("%q is plain", s)
		}
	}
}
