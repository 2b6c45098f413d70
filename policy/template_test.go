package policy_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/policy"
)

// A policy decides like the one with every rule written out, which is what lint,
// diff, graph and mutation look at.
func TestExpandedDecidesTheSame(t *testing.T) {
	archives(t, "eval", func(t *testing.T, a archive) {
		t.Helper()
		requests := a.file("requests.jsonl")
		if filepath.Base(a.name) != "templates.txtar" {
			return // nothing to write out
		}
		plain, expanded := a.sources(), a.sources()
		for i := range expanded {
			root, problems := policy.Expand(expanded[i])
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			var err error
			if expanded[i].Data, err = yaml.Marshal(root); err != nil {
				t.Fatal(err)
			}
			if text := string(expanded[i].Data); strings.Contains(text, "templates:") || strings.Contains(text, "use:") {
				t.Fatalf("not everything is written out:\n%s", text)
			}
		}
		one, _ := policy.Compile(plain, a.options())
		two, problems := policy.Compile(expanded, a.options())
		if one == nil || two == nil {
			t.Fatal(problems)
		}
		for l := range strings.Lines(string(requests.Data)) {
			var in line
			if err := json.Unmarshal([]byte(l), &in); err != nil {
				t.Fatal(err)
			}
			want, got := decide(one, in.request(t, one)), decide(two, in.request(t, two))
			for _, d := range []*access.Decision{&want, &got} {
				d.PolicyDigest, d.Position = "", ""
				for i := range d.Matched {
					d.Matched[i].Position = ""
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: (-templates +written out)\n%s", in.ID, diff)
			}
		}
	})
}

// What is filled in is a value: no text of an argument becomes more than that.
func TestNothingBreaksOutOfATemplate(t *testing.T) {
	const text = `policy: p
backend: b
templates:
  t:
    params: {tool: pattern, who: {type: list}, note: string}
    rule: {allow: [$tool], subjects: $who, message: $note, unlisted_args: allow}
rules:
  - id: one
    use: t
    with: {tool: ARG, who: [alice], note: NOTE}
`
	for _, c := range []struct{ arg, note, problem string }{
		{`read`, `"x, allow: ['*.*']"`, ""},
		{`read`, `"$tool"`, ""},
		{`"read], allow: ['*.*'"`, `x`, "is not a kind of thing"},
		{`["*.*"]`, `x`, "with.tool is text"},
		{`read`, `{deny: [x]}`, "with.note is text"},
		{`read`, `[x]`, "with.note is text"},
	} {
		source := policy.Source{Name: "p.yaml", Data: []byte(strings.NewReplacer("ARG", c.arg, "NOTE", c.note).Replace(text))}
		s, problems := policy.Compile([]policy.Source{source}, policy.Options{})
		if (s == nil) != (c.problem != "") || s == nil && !strings.Contains(problems[0].String(), c.problem) {
			t.Errorf("%+v: %v", c, problems)
		}
		if s == nil {
			continue
		}
		r := &access.Request{Kind: access.Tool, Backend: "b", Name: "other", Subject: access.Subject{ID: "alice", Known: true}}
		if d := decide(s, r); d.Effect != access.Deny {
			t.Errorf("%+v: another tool is %s", c, d.Effect)
		}
	}
}
