package policy_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/pdp"
	"github.com/custos-zt/custos/policy"
)

// FuzzCompile: no bytes make the reader fail other than by problems, each with
// a position in the file; a policy without errors decides.
func FuzzCompile(f *testing.F) {
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
		if len(data) > 1<<16 {
			return
		}
		s, problems := policy.Compile([]policy.Source{{Name: "f.yaml", Data: data}}, policy.Options{Home: "/home/dev", Backend: "b"})
		lines := bytes.Count(data, []byte("\n")) + bytes.Count(data, []byte("\r")) + bytes.Count(data, []byte("\u0085")) +
			bytes.Count(data, []byte("\u2028")) + bytes.Count(data, []byte("\u2029")) + 1
		for _, p := range problems {
			if p.Line < 1 || p.Line > lines || p.Column < 1 || p.Message == "" {
				t.Fatalf("%d lines, and a problem at %s", lines, p)
			}
		}
		if (s == nil) != policy.Failed(problems) {
			t.Fatalf("snapshot %v with problems %v", s != nil, problems)
		}
		root, _ := policy.Expand(policy.Source{Name: "f.yaml", Data: data})
		if s == nil {
			return
		}
		text, err := yaml.Marshal(root)
		if err != nil {
			t.Fatalf("the expanded policy cannot be written: %v", err)
		}
		if again, problems := policy.Compile([]policy.Source{{Name: "f.yaml", Data: text}}, policy.Options{Home: "/home/dev", Backend: "b"}); again == nil {
			t.Fatalf("the expanded policy does not compile: %v\n%s", problems, text)
		}
		r := newRandom(uint64(len(data)))
		for range 4 {
			req := r.line().request(t, s)
			d := decide(s, req)
			agrees(t, s, req, &d)
		}
	})
}

// FuzzDecide: whatever the policy and the request, nothing is allowed without
// a rule that allows it, and explanation and listing agree.
func FuzzDecide(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed, seed+1, `{"x":1,"path":"/srv/a"}`)
	}
	f.Fuzz(func(t *testing.T, policySeed, requestSeed uint64, arguments string) {
		r := newRandom(policySeed)
		var s *pdp.Snapshot
		if policySeed%2 == 0 {
			s = mustCompile(t, r.rules(1+r.IntN(8), ""))
		} else {
			s = compileLayers(t, r.layered(true).sources())
		}
		l := newRandom(requestSeed).layeredLine()
		if v, err := parseQuietly(arguments); err == nil && v.Kind() == access.Object {
			l.Arguments = []byte(arguments)
		}
		req := l.request(t, s)
		d := decide(s, req)
		agrees(t, s, req, &d)
	})
}
