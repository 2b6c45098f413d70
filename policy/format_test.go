package policy_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/policy"
)

// A case under testdata/format is in.yaml and what becomes of it.
func TestFormat(t *testing.T) {
	archives(t, "format", func(t *testing.T, a archive) {
		t.Helper()
		in := a.file("in.yaml").Data
		a.check(t, "want", string(formatted(t, in)))
	})
}

// formatted formats, and asks that doing so again changes nothing and that all
// but the layout is still there.
func formatted(t *testing.T, in []byte) []byte {
	t.Helper()
	out, problems := policy.Format(policy.Source{Name: "f.yaml", Data: in})
	if problems != nil {
		if out != nil {
			t.Fatalf("a result, and the problems %v", problems)
		}
		return nil
	}
	again, _ := policy.Format(policy.Source{Name: "f.yaml", Data: out})
	if !bytes.Equal(out, again) {
		t.Errorf("formatting twice (-once +twice):\n%s", cmp.Diff(string(out), string(again)))
	}
	if diff := cmp.Diff(letters(in), letters(out)); diff != "" {
		t.Errorf("letters of the file went or came:\n%s\nin:\n%s\nout:\n%s", diff, in, out)
	}
	return out
}

// letters sorts what the formatter may move and must not lose: all but blanks,
// quotes and what separates members.
func letters(data []byte) string {
	kept := bytes.Map(func(c rune) rune {
		if strings.ContainsRune(" \t\r\n'\",-", c) {
			return -1
		}
		return c
	}, data)
	slices.Sort(kept)
	return string(kept)
}

func TestFormatKeepsDecisions(t *testing.T) {
	for _, dir := range []string{"cond", "eval", "examples"} {
		names, err := filepath.Glob(filepath.Join("testdata", dir, "*.txtar"))
		if err != nil || len(names) == 0 {
			t.Fatalf("no cases in testdata/%s: %v", dir, err)
		}
		for _, name := range names {
			ar, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for i := range ar.Files {
				if strings.HasSuffix(ar.Files[i].Name, ".yaml") {
					ar.Files[i].Data = formatted(t, ar.Files[i].Data)
				}
			}
			a := archive{ar, name}
			if f := a.file("problems"); f != nil {
				f.Data = nil // their places may be others now
				continue
			}
			t.Run(dir+"/"+filepath.Base(name), func(t *testing.T) { decidesAlike(t, a, name) })
		}
	}
}

// decidesAlike asks for the decisions of a case under its formatted policy.
// What a message names first may be another condition.
func decidesAlike(t *testing.T, a archive, name string) {
	t.Helper()
	original, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if f := a.file("want"); f != nil {
		f.Data = []byte(withoutMessages(string(f.Data)))
	}
	if got, want := a.sources(), (archive{original, name}).sources(); len(got) != len(want) {
		t.Fatal("a file is missing")
	}
	a.name = filepath.Join(t.TempDir(), "case.txtar") // -update is not for these
	runCase(t, a)
}

func withoutMessages(want string) string {
	var out strings.Builder
	for l := range strings.Lines(want) {
		l, _, _ = strings.Cut(strings.TrimSuffix(l, "\n"), " | ")
		out.WriteString(l + "\n")
	}
	return out.String()
}

// TestFormatShuffled shuffles the keys of random rules and formats them back.
func TestFormatShuffled(t *testing.T) {
	for seed := range uint64(60) {
		r := newRandom(seed)
		rules := r.rules(1+r.IntN(6), "")
		want := mustCompile(t, rules)
		text := shuffled(t, r, universe+strings.Join(rules, ""))
		out := formatted(t, text)
		got, problems := policy.Compile([]policy.Source{{Name: "f.yaml", Data: out}}, policy.Options{Home: "/home/dev"})
		if got == nil {
			t.Fatalf("%v\n%s", problems, out)
		}
		for range 8 {
			l := r.line()
			x, y := decide(want, l.request(t, want)), decide(got, l.request(t, got))
			if x.Effect != y.Effect || x.Reason != y.Reason || x.Rule != y.Rule {
				t.Fatalf("seed %d: %v %s %s became %v %s %s:\n%s\n%s", seed, x.Effect, x.Reason, x.Rule, y.Effect, y.Reason, y.Rule, text, out)
			}
		}
	}
}

// shuffled puts the keys of rules in any order, and half of the rules on
// several lines.
func shuffled(t *testing.T, r random, text string) []byte {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	root := doc.Content[0]
	for i := 0; i < len(root.Content); i += 2 {
		if root.Content[i].Value != "rules" {
			continue
		}
		for _, rule := range root.Content[i+1].Content {
			pairs := len(rule.Content) / 2
			r.Shuffle(pairs, func(a, b int) {
				rule.Content[2*a], rule.Content[2*b] = rule.Content[2*b], rule.Content[2*a]
				rule.Content[2*a+1], rule.Content[2*b+1] = rule.Content[2*b+1], rule.Content[2*a+1]
			})
			rule.Style = yaml.FlowStyle * yaml.Style(r.IntN(2))
		}
	}
	out, err := yaml.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestFormatLeavesOtherFormats(t *testing.T) {
	for _, name := range []string{"a.toml", "a.json"} {
		in := []byte("{ \n}")
		if out, problems := policy.Format(policy.Source{Name: name, Data: in}); problems != nil || !bytes.Equal(in, out) {
			t.Errorf("%s became %q, %v", name, out, problems)
		}
	}
}

// FuzzFormat: no bytes lose a letter, and a policy that loads loads as the same
// one.
func FuzzFormat(f *testing.F) {
	names, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(names) == 0 {
		f.Fatal("no seeds")
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range txtar.Parse(data).Files {
			if strings.HasSuffix(file.Name, ".yaml") {
				f.Add(file.Data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<12 {
			return
		}
		out := formatted(t, data)
		o := policy.Options{Home: "/home/dev", Backend: "b"}
		before, _ := policy.Compile([]policy.Source{{Name: "f.yaml", Data: data}}, o)
		if before == nil {
			return
		}
		if after, problems := policy.Compile([]policy.Source{{Name: "f.yaml", Data: out}}, o); after == nil {
			t.Fatalf("%v:\n%s\n%s", problems, data, out)
		}
	})
}

// The policies that are shown to people have the form that is asked of them.
func TestExamplesAreFormatted(t *testing.T) {
	names, err := filepath.Glob("../examples/policies/*/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatal("there are no examples", err)
	}
	for _, name := range names {
		if filepath.Base(name) == "tests.yaml" {
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if out, problems := policy.Format(policy.Source{Name: name, Data: data}); !bytes.Equal(out, data) {
			t.Errorf("custos policy fmt -w %s %v", name, problems)
		}
	}
}
