package proof

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/internal/inventory"
	"github.com/custos-zt/custos/policy"
)

const desk = `policy: desk
backend: crm
define: {open: ["/srv/pub/**"]}
tools: {crm.pay: {ops: [write]}}
rules:
  - {id: secret, deny: ["*"], paths: ["**/.env"]}
  - id: pay
    allow: ["pay"]
    roles: [clerk]
    args: {amount: {type: integer, max: 100}, file: {type: string, optional: true}}
    paths: {all: $open, none: match}
  - {id: refund, approve: ["refund"], unless: [{roles: [guest]}]}
`

func bench(t *testing.T, name, text string) *Bench {
	t.Helper()
	registry, err := inventory.LoadRegistry()
	if err != nil {
		t.Fatal(err)
	}
	return &Bench{
		Sources:  []policy.Source{{Name: name, Data: []byte(text)}},
		Options:  policy.Options{Home: "/home/dev", Known: registry},
		Registry: registry,
	}
}

func suite(t *testing.T, cases ...string) *Suite {
	t.Helper()
	s, problems := ReadSuite("t.yaml", []byte("policy: p\ncases:\n  - "+strings.Join(cases, "\n  - ")))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return s
}

// A suite that looks at one case only lets every other mistake live; each
// operator has one that it names.
func TestSurvivors(t *testing.T) {
	b := bench(t, "desk.yaml", desk)
	weak := suite(t, `{name: pays, tool: pay, arguments: {amount: 7}, subject: {id: a, roles: [clerk]}, expect: {decision: allow, rule: pay}}`)
	m, err := b.Mutate(t.Context(), weak, 2)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range m.Survivors {
		got = append(got, fmt.Sprintf("%d %s %s: %s", s.Line, s.Operator, s.Rule, s.Change))
	}
	for _, want := range []string{
		`6 drop-deny secret: the rule was removed`,
		`6 drop-condition secret: paths was removed`,
		`6 flip-effect secret: deny became allow`,
		`8 widen-glob pay: "pay" became "*"`,
		`10 drop-argument pay: args.amount was removed`,
		`10 shift-bound pay: max: 100 became 99`,
		`11 drop-condition pay: paths was removed`,
		`12 drop-condition refund: unless was removed`,
		`12 flip-effect refund: approve became allow`,
		`3 widen-glob : "/srv/pub/**" became "/srv/*/**"`,
	} {
		// A mistake may also be one that this case happens to notice.
		if want == `10 drop-argument pay: args.amount was removed` || want == `6 drop-condition secret: paths was removed` {
			if slices.Contains(got, want) {
				t.Errorf("survived, and the one case notices it: %s", want)
			}
			continue
		}
		if !slices.Contains(got, want) {
			t.Errorf("not among the survivors: %s\n%s", want, strings.Join(got, "\n"))
		}
	}
}

func TestStrongSuiteKillsAll(t *testing.T) {
	text := `policy: p
rules:
  - {id: pay, allow: ["crm.pay"], args: {amount: {type: integer, max: 100}}}
  - {id: no, deny: ["crm.drop"]}
`
	s := suite(t,
		`{name: most, backend: crm, tool: pay, arguments: {amount: 100}, expect: {decision: allow, rule: pay}}`,
		`{name: more, backend: crm, tool: pay, arguments: {amount: 101}, expect: {decision: deny, rule: null}}`,
		`{name: other tool, backend: crm, tool: read, arguments: {amount: 1}, expect: {decision: deny, rule: null}}`,
		`{name: denied, backend: crm, tool: drop, expect: {decision: deny, rule: no}}`,
	)
	for _, workers := range []int{1, 8} {
		m, err := bench(t, "p.yaml", text).Mutate(t.Context(), s, workers)
		if err != nil {
			t.Fatal(err)
		}
		want := &Mutation{Survivors: []Survivor{}, Operators: []Operator{
			{Name: "drop-deny", Killed: 1},
			{Name: "widen-glob", Killed: 2},
			{Name: "drop-argument", Killed: 1},
			{Name: "shift-bound", Killed: 2},
			{Name: "flip-effect", Killed: 2},
			{Name: "drop-condition"},
		}}
		if diff := cmp.Diff(want, m, cmp.AllowUnexported(Survivor{})); diff != "" {
			t.Error(diff)
		}
	}
}

// A policy in TOML is changed like one in YAML, and named by its own lines.
func TestMutateTOML(t *testing.T) {
	text := "policy = \"p\"\n[[rules]]\nid = \"pay\"\nallow = [\"crm.pay\"]\n"
	s := suite(t, `{name: pays, backend: crm, tool: pay, expect: {decision: allow, rule: pay}}`)
	m, err := bench(t, "p.toml", text).Mutate(t.Context(), s, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := []Survivor{{Operator: "widen-glob", File: "p.toml", Line: 4, Rule: "pay", Change: `"crm.pay" became "crm.*"`}}
	if diff := cmp.Diff(want, m.Survivors, cmp.AllowUnexported(Survivor{})); diff != "" {
		t.Error(diff)
	}
}

func TestMutateEnds(t *testing.T) {
	s := suite(t, `{name: pays, tool: pay, expect: {decision: allow, rule: pay}}`)
	if _, err := bench(t, "desk.yaml", desk).Mutate(t.Context(), s, 1); err == nil {
		t.Error("a suite that fails was accepted")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s = suite(t, `{name: nothing, tool: other, expect: {decision: deny, rule: null}}`)
	if _, err := bench(t, "desk.yaml", desk).Mutate(ctx, s, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the end of the context", err)
	}
}

// The policies that are shown to people hold what they promise: every case
// passes, every rule determines something, and no mistake goes unnoticed.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../../examples/policies/*/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no examples", err)
	}
	proven := 0
	for _, file := range files {
		if data, err := os.ReadFile(file); err != nil || filepath.Base(file) != "tests.yaml" && !strings.Contains(string(data), "\ntests:") {
			continue // a policy whose tests stand beside it
		}
		proven++
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s, problems := ReadSuite(file, data)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			b := bench(t, "", "")
			b.Sources, b.Options.Home, b.Options.Teams = nil, s.Home, s.Teams
			if s.Embedded {
				b.Sources = []policy.Source{{Name: file, Data: data}}
			}
			for _, name := range s.Policy {
				text, err := os.ReadFile(filepath.Join(filepath.Dir(file), name))
				if err != nil {
					t.Fatal(err)
				}
				b.Sources = append(b.Sources, policy.Source{Name: name, Data: text})
			}
			out, problems := b.Run(s, true)
			if out == nil {
				t.Fatal(problems)
			}
			for _, r := range out.Results {
				if !r.Passed {
					t.Errorf("%s: want %s, got %s", r.Name, r.Wanted, r.Became)
				}
			}
			if c := out.Coverage; c.Determined != c.Rules {
				t.Errorf("of %d rules %d determine an outcome: %v", c.Rules, c.Determined, c.Gaps)
			}
			m, err := b.Mutate(t.Context(), s, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range m.Survivors {
				t.Errorf("survived: %+v", s)
			}
		})
	}
	if folders, err := filepath.Glob("../../examples/policies/*"); err != nil || proven != len(folders) {
		t.Errorf("%d of %d examples have tests, %v", proven, len(folders), err)
	}
}
