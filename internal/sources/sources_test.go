package sources

import (
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/custos-zt/custos/internal/bundle"
	"github.com/custos-zt/custos/internal/state"
	"github.com/custos-zt/custos/policy"
)

const text = "policy: p\nrules: [{id: a, allow: [b.c]}]\n"

// place is a directory with a policy, a bundle of it and a state directory.
type place struct {
	dir  string
	key  bundle.Key
	sign func(revision uint64) []byte
}

func newPlace(t *testing.T) place {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := place{dir: t.TempDir(), key: bundle.Key{Public: public}}
	p.sign = func(revision uint64) []byte {
		now := time.Now()
		data, err := bundle.Sign(private, bundle.Manifest{Name: "p", Revision: revision, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)},
			[]bundle.Member{{Name: "p.yaml", Data: []byte(text)}})
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	p.write(t, "p.yaml", []byte(text))
	p.write(t, "p.bundle", p.sign(1))
	return p
}

func (p place) write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(p.path(name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (p place) path(name string) string { return filepath.Join(p.dir, name) }

func (p place) state(t *testing.T) *state.Dir {
	t.Helper()
	d, err := state.Open(p.path("state"))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestFiles(t *testing.T) {
	p := newPlace(t)
	var unchecked []string
	plain := &Reader{Unchecked: func(name string) { unchecked = append(unchecked, filepath.Base(name)) }}
	trusting := &Reader{Keys: []bundle.Key{p.key}, Signed: true, Unchecked: plain.Unchecked}
	strange := &Reader{Keys: []bundle.Key{newPlace(t).key}}
	for _, c := range []struct {
		reader  *Reader
		name    string
		refused string
	}{
		{plain, "p.yaml", ""},
		{plain, "p.bundle", ""},
		{plain, "p.bundle", ""}, // told once
		{trusting, "p.bundle", ""},
		{trusting, "p.yaml", "p.yaml is not signed"},
		{strange, "p.bundle", "p.bundle: no trusted key signed the bundle"},
		{strange, "p.yaml", ""},
		{plain, "nothing.yaml", "no such file"},
	} {
		f, err := c.reader.Files([]string{p.path(c.name)})
		if c.refused == "" && (err != nil || len(f.Sources) != 1 || string(f.Sources[0].Data) != text) {
			t.Errorf("%s: %v", c.name, err)
		}
		if c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.refused)
		}
	}
	if len(unchecked) != 1 || unchecked[0] != "p.bundle" {
		t.Errorf("told of %q", unchecked)
	}
}

// A member may claim what both its key and its place in the configuration may.
func TestUnder(t *testing.T) {
	for _, c := range []struct{ key, place, want string }{
		{"", "", ""},
		{"", "team/a", "team/a"},
		{"global", "team/a", "team/a"},
		{"team/a", "", "team/a"},
		{"team/a", "global", "team/a"},
		{"team/a", "team/a", "team/a"},
		{"team/a", "team/b", "none"},
	} {
		f := &Files{signed: map[string]origin{"x.bundle/p.yaml": {"x.bundle", c.key}}}
		o := f.Under(policy.Options{Claim: func(file string) string {
			if file != "x.bundle" {
				return "another file"
			}
			return c.place
		}})
		if got := o.Claim("x.bundle/p.yaml"); got != c.want {
			t.Errorf("key %q, place %q: %q, want %q", c.key, c.place, got, c.want)
		}
	}
	if got := (&Files{}).Under(policy.Options{}).Claim("p.yaml"); got != "" {
		t.Errorf("a file that nobody caps may claim %q", got)
	}
}

// What was in force comes back as it was, under the trust of today, or not at
// all.
func TestRecall(t *testing.T) {
	p := newPlace(t)
	dir := p.state(t)
	r := &Reader{Keys: []bundle.Key{p.key}, Signed: true}
	f, err := r.Files([]string{p.path("p.bundle")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Recall(dir, f.Digest(), nil); !errors.Is(err, ErrUnknown) {
		t.Errorf("what was never kept: %v", err)
	}
	if err := errors.Join(f.Keep(dir), r.Advance(dir, f)); err != nil {
		t.Fatal(err)
	}
	p.write(t, "p.bundle", []byte("gone"))
	back, err := r.Recall(dir, f.Digest(), nil)
	if err != nil || back.Identity() != f.Identity() || back.Names[0] != p.path("p.bundle") {
		t.Fatalf("%+v, %v", back, err)
	}
	if _, err := (&Reader{Keys: []bundle.Key{newPlace(t).key}, Signed: true}).Recall(dir, f.Digest(), nil); !errors.Is(err, bundle.ErrSignature) {
		t.Errorf("under another trust root: %v", err)
	}
	kept := filepath.Join(dir.Path(), "policy", strings.Replace(DigestOf(f.Raw[0]), ":", "-", 1))
	if err := os.WriteFile(kept, p.sign(2), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Recall(dir, f.Digest(), nil); !errors.Is(err, ErrChanged) {
		t.Errorf("what was changed: %v", err)
	}
	if err := os.Remove(kept); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Recall(dir, f.Digest(), nil); !errors.Is(err, ErrGone) {
		t.Errorf("what is gone: %v", err)
	}
}

// The memory of files names another policy than its digest says.
func TestRecallOfAnotherPolicy(t *testing.T) {
	p := newPlace(t)
	dir := p.state(t)
	other := []byte(text + "# other\n")
	if err := dir.KeepPolicy(DigestOf(other), other); err != nil {
		t.Fatal(err)
	}
	if err := dir.KeepPolicyFiles(DigestOf([]byte(text)), []state.PolicyFile{{Path: "/p.yaml", Digest: DigestOf(other)}}); err != nil {
		t.Fatal(err)
	}
	if _, err := new(Reader).Recall(dir, DigestOf([]byte(text)), nil); !errors.Is(err, ErrChanged) {
		t.Errorf("%v", err)
	}
}

// One text may lie in two places; who asks says which is meant.
func TestRecallFromOneOfTwoPlaces(t *testing.T) {
	p := newPlace(t)
	dir := p.state(t)
	p.write(t, "q.yaml", []byte(text))
	r := new(Reader)
	for _, name := range []string{"p.yaml", "q.yaml"} {
		f, err := r.Files([]string{p.path(name)})
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Keep(dir); err != nil {
			t.Fatal(err)
		}
	}
	for want, at := range map[string]func([]state.PolicyFile) bool{
		"q.yaml": nil,
		"p.yaml": func(f []state.PolicyFile) bool { return f[0].Path == p.path("p.yaml") },
	} {
		f, err := r.Recall(dir, DigestOf([]byte(text)), at)
		if err != nil || f.Names[0] != p.path(want) {
			t.Errorf("want %s: %+v, %v", want, f, err)
		}
	}
}
