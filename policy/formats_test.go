package policy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pelletier/go-toml/v2"
	"github.com/rogpeppe/go-internal/txtar"
	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/policy"
)

// A case under testdata/formats holds one policy as a.yaml, a.toml and a.json.
// `problems` are those of a.toml, with their positions; the others have the
// same without. requests.jsonl and want are as everywhere.
func TestFormats(t *testing.T) { archives(t, "formats", runFormats) }

var positions = regexp.MustCompile(`(in line \d+|[\w.-]+\.(yaml|toml|json):\d+(:\d+)?)`)

func placeless(problems []policy.Problem) []string {
	out := make([]string, len(problems))
	for i, p := range problems {
		out[i] = positions.ReplaceAllString(fmt.Sprintf("%s: %s (%s)", p.Severity, p.Message, p.Hint), "POSITION")
	}
	slices.Sort(out)
	return out
}

func runFormats(t *testing.T, a archive) {
	t.Helper()
	byFormat := map[string]string{}
	said := map[string][]string{}
	for _, name := range []string{"a.yaml", "a.toml", "a.json"} {
		f := a.file(name)
		if f == nil {
			t.Fatalf("%s is missing", name)
		}
		s, problems := policy.Compile([]policy.Source{{Name: name, Data: f.Data}}, a.options())
		said[name] = placeless(problems)
		if name == "a.toml" {
			var text strings.Builder
			for _, p := range problems {
				fmt.Fprintln(&text, p)
			}
			a.check(t, "problems", text.String())
		}
		if s == nil {
			continue
		}
		if a.file("requests.jsonl") == nil {
			continue
		}
		var got strings.Builder
		for l := range strings.Lines(string(a.file("requests.jsonl").Data)) {
			var in line
			if err := json.Unmarshal([]byte(l), &in); err != nil {
				t.Fatal(err)
			}
			got.WriteString(answer(t, s, in, true))
		}
		byFormat[name] = got.String()
	}
	for _, name := range []string{"a.yaml", "a.json"} {
		if diff := cmp.Diff(said["a.toml"], said[name]); diff != "" {
			t.Errorf("the problems of TOML (-) and %s (+):\n%s", name, diff)
		}
		if diff := cmp.Diff(byFormat["a.toml"], byFormat[name]); diff != "" {
			t.Errorf("the decisions of TOML (-) and %s (+):\n%s", name, diff)
		}
	}
	if a.file("requests.jsonl") != nil {
		a.check(t, "want", byFormat["a.toml"])
	}
}

// TestEveryCaseInEveryFormat rewrites the policies of all other cases and asks
// for the same problems and the same decisions.
func TestEveryCaseInEveryFormat(t *testing.T) {
	for _, dir := range []string{"cond", "eval", "examples", "problems"} {
		names, err := filepath.Glob(filepath.Join("testdata", dir, "*.txtar"))
		if err != nil || len(names) == 0 {
			t.Fatalf("no cases in testdata/%s: %v", dir, err)
		}
		for _, name := range names {
			t.Run(dir+"/"+filepath.Base(name), func(t *testing.T) {
				ar, err := txtar.ParseFile(name)
				if err != nil {
					t.Fatal(err)
				}
				rewritten(t, archive{ar, name})
			})
		}
	}
}

// rewrite renders a YAML file in another format; ok is false for what is no
// YAML, and for what the format cannot say.
func rewrite(data []byte, encode func(any) ([]byte, error)) ([]byte, bool) {
	var doc map[string]any
	dec := yaml.NewDecoder(bytes.NewReader(data))
	if dec.Decode(&doc) != nil || len(doc) == 0 || bytes.Contains(data, []byte("\n---")) {
		return nil, false
	}
	for _, c := range []string{"&", "!!", ": *", "- *"} { // anchors and tags
		if bytes.Contains(data, []byte(c)) {
			return nil, false
		}
	}
	if hasOdd(doc) { // null, which TOML does not have; infinity, which JSON does not
		return nil, false
	}
	out, err := encode(doc)
	return out, err == nil
}

func hasOdd(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case float64:
		return math.IsInf(v, 0) || math.IsNaN(v)
	case []any:
		return slices.ContainsFunc(v, hasOdd)
	case map[string]any:
		for _, c := range v {
			if hasOdd(c) {
				return true
			}
		}
	}
	return false
}

func rewritten(t *testing.T, a archive) {
	t.Helper()
	want, problems := policy.Compile(a.sources(), a.options())
	for format, encode := range map[string]func(any) ([]byte, error){
		"toml": toml.Marshal,
		"json": func(v any) ([]byte, error) { return json.MarshalIndent(v, "", "\t") },
	} {
		sources := a.sources()
		for i := range sources {
			data, ok := rewrite(sources[i].Data, encode)
			if !ok {
				return // the cases of YAML itself
			}
			sources[i] = policy.Source{Name: strings.TrimSuffix(sources[i].Name, "yaml") + format, Data: data}
		}
		got, other := policy.Compile(sources, a.options())
		if diff := cmp.Diff(placeless(problems), placeless(other)); diff != "" {
			t.Errorf("the problems of YAML (-) and %s (+):\n%s\n%s", format, diff, sources[0].Data)
		}
		if want == nil || got == nil || a.file("requests.jsonl") == nil {
			continue
		}
		for l := range strings.Lines(string(a.file("requests.jsonl").Data)) {
			var in line
			if err := json.Unmarshal([]byte(l), &in); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(answer(t, want, in, true), answer(t, got, in, true)); diff != "" {
				t.Errorf("YAML (-) and %s (+): %s", format, diff)
			}
		}
	}
}

// A file may be one long line, or nested without end: neither may take long.
func TestFormatsOfStrangeShape(t *testing.T) {
	long := "{\"policy\":\"x\",\"rules\":[" + strings.Repeat("{\"id\":\"a\",\"allow\":[\"b.c\"]},", 20_000) + "{}]}"
	deep := "policy = \"x\"\nrules = " + strings.Repeat("[{a=", 4000) + "1" + strings.Repeat("}]", 4000) + "\n"
	wide := "policy = \"x\"\nrules = [" + strings.Repeat("{id=\"a\",allow=[\"b.c\"]},", 20_000) + "{}]\n"
	for name, data := range map[string]string{"long.json": long, "deep.toml": deep, "wide.toml": wide} {
		began := time.Now()
		s, problems := policy.Compile([]policy.Source{{Name: name, Data: []byte(data)}}, policy.Options{})
		if s != nil || len(problems) == 0 {
			t.Errorf("%s loads", name)
		}
		if took := time.Since(began); took > 2*time.Minute {
			t.Errorf("%s took %v", name, took)
		}
	}
}

// FuzzTOML and FuzzJSON ask what FuzzCompile asks of YAML.
func FuzzTOML(f *testing.F) { fuzzFormat(f, "a.toml") }

func FuzzJSON(f *testing.F) { fuzzFormat(f, "a.json") }

func fuzzFormat(f *testing.F, format string) {
	f.Helper()
	names, err := filepath.Glob("testdata/formats/*.txtar")
	if err != nil || len(names) == 0 {
		f.Fatal("no seeds")
	}
	for _, name := range names {
		ar, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(archive{ar, name}.file(format).Data)
	}
	for _, seed := range []string{"a=[[1,],#x\n[{b.c={}}]]", "[a]\n[a.b]\n[[a.c]]\na.d=1", "a.b=1\na=2", "\"\"=''", "x=1979-05-27T07:32:00Z", "rules=[\n", "[", "[[x", `{"a":[1,{}],"a":null}`, "{\"a\":\n\"\\ud83d\"}", `{"policy":"\u00e9"} 1`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		s, problems := policy.Compile([]policy.Source{{Name: format, Data: data}}, policy.Options{Home: "/home/dev", Backend: "b"})
		lines := bytes.Count(data, []byte("\n")) + 1
		for _, p := range problems {
			if p.Line < 1 || p.Line > lines || p.Column < 1 || p.Column > len(data)+2 || p.Message == "" {
				t.Fatalf("%d lines, and a problem at %s", lines, p)
			}
		}
		if (s == nil) != policy.Failed(problems) {
			t.Fatalf("snapshot %v with problems %v", s != nil, problems)
		}
	})
}
