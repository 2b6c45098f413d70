package policy_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/pdp"
	"github.com/custos-zt/custos/policy"
)

var update = flag.Bool("update", false, "write what the cases give into their files")

// A case is a txtar file: one or more *.yaml, and
//
//	requests.jsonl  requests as `policy eval` reads them, one a line
//	want            ID EFFECT REASON RULE a line, RULE - where none determined;
//	                after " | " the message, where a line pins it
//	problems        what Compile reports, line by line
//
// The words in front of the first file may set options: "backend: files",
// "backends: a b", "strict: true", "issuers: a b", "home: -", "team: NAME
// ISSUER GROUP…" once for each team, "claim: FILE LAYER" for what a file may
// claim at most; FILE has no ending.
type archive struct {
	*txtar.Archive
	name string
}

func (a archive) file(name string) *txtar.File {
	for i := range a.Files {
		if a.Files[i].Name == name {
			return &a.Files[i]
		}
	}
	return nil
}

func (a archive) options() policy.Options {
	o := policy.Options{Home: "/home/dev"}
	claims := map[string]string{}
	o.Claim = func(source string) string { return claims[strings.TrimSuffix(source, filepath.Ext(source))] }
	for l := range strings.Lines(string(a.Comment)) {
		key, value, _ := strings.Cut(strings.TrimSpace(l), ": ")
		switch key {
		case "backend":
			o.Backend = value
		case "backends":
			o.Backends = strings.Fields(value)
		case "strict":
			o.Strict = value == "true"
		case "issuers":
			o.Issuers = strings.Fields(value)
		case "home":
			o.Home = strings.TrimPrefix(value, "-")
		case "claim":
			file, layer, _ := strings.Cut(value, " ")
			claims[file] = layer
		case "team":
			f := strings.Fields(value)
			o.Teams = append(o.Teams, policy.Team{Name: f[0], Issuer: strings.TrimPrefix(f[1], "-"), Groups: f[2:]})
		case "known":
			o.Known = registry(strings.Fields(value))
		}
	}
	return o
}

type registry []string

func (r registry) Known(name string) bool { return slices.Contains(r, name) }

func (r registry) Servers() []string { return r }

func (a archive) sources() []policy.Source {
	var out []policy.Source
	for _, f := range a.Files {
		if strings.HasSuffix(f.Name, ".yaml") {
			out = append(out, policy.Source{Name: f.Name, Data: f.Data})
		}
	}
	return out
}

// archives reads every case below testdata/dir.
func archives(t *testing.T, dir string, run func(t *testing.T, a archive)) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", dir, "*.txtar"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no cases in testdata/%s: %v", dir, err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			run(t, archive{ar, name})
		})
	}
}

// check compares a file of the case, or writes it under -update.
func (a archive) check(t *testing.T, name, got string) {
	t.Helper()
	f := a.file(name)
	switch {
	case *update && f != nil:
		f.Data = []byte(got)
		if err := os.WriteFile(a.name, txtar.Format(a.Archive), 0o600); err != nil {
			t.Fatal(err)
		}
	case f == nil && got != "":
		t.Errorf("%s is missing:\n%s", name, got)
	case f != nil:
		if diff := cmp.Diff(string(f.Data), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestConditions(t *testing.T) { archives(t, "cond", runCase) }

func TestEvaluation(t *testing.T) { archives(t, "eval", runCase) }

func TestExamples(t *testing.T) { archives(t, "examples", runCase) }

func TestProblems(t *testing.T) { archives(t, "problems", runCase) }

func runCase(t *testing.T, a archive) {
	t.Helper()
	s, problems := policy.Compile(a.sources(), a.options())
	var text strings.Builder
	for _, p := range problems {
		fmt.Fprintln(&text, p)
	}
	a.check(t, "problems", text.String())
	if s == nil {
		if !policy.Failed(problems) {
			t.Error("no snapshot and no error")
		}
		return
	}
	requests := a.file("requests.jsonl")
	if requests == nil {
		return
	}
	var got strings.Builder
	want := a.file("want")
	pinned := strings.Split(string(want.Data), "\n")
	for i, l := range strings.Split(strings.TrimSpace(string(requests.Data)), "\n") {
		var in line
		dec := json.NewDecoder(strings.NewReader(l))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&in); err != nil {
			t.Fatalf("%s: %v", l, err)
		}
		message := i < len(pinned) && strings.Contains(pinned[i], " | ")
		got.WriteString(answer(t, s, in, message))
	}
	a.check(t, "want", got.String())
}

// answer decides a request and writes the line of the want file.
func answer(t *testing.T, s *pdp.Snapshot, in line, message bool) string {
	t.Helper()
	r := in.request(t, s)
	var d access.Decision
	s.Decide(r, &d)
	agrees(t, s, r, &d)
	rule := d.Rule
	if rule == "" {
		rule = "-"
	}
	out := fmt.Sprintf("%s %s %s %s", in.ID, d.Effect, d.Reason, rule)
	if message {
		out += " | " + strings.TrimSpace(d.Message+" "+d.Remediation)
	}
	return out + "\n"
}
