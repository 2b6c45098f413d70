package proof

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/policy"
)

func TestSuiteProblems(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"a misspelt key":        {"polcy: [p]\ncases: []", `1:1: error: unknown key "polcy" in a file of tests (did you mean "policy"?)`},
		"no policy":             {"cases: [{name: a, tool: t, expect: {decision: deny, rule: r}}]", `1:1: error: the tests name no policy (policy: [FILE])`},
		"no cases":              {"policy: p", `1:1: error: there are no cases`},
		"an empty list":         {"policy: p\ncases: []", `2:8: error: cases is a list of at least one case`},
		"a misspelt case key":   {"policy: p\ncases:\n- {name: a, tol: t, expect: {decision: deny, rule: r}}", `3:13: error: unknown key "tol" in a case (did you mean "tool"?)`},
		"a name twice":          {"policy: p\ncases:\n- {name: a, tool: t, expect: {decision: deny, rule: r}}\n- {name: a, tool: t, expect: {decision: deny, rule: r}}", `4:10: error: the name "a" is taken by the case in line 3`},
		"expects nothing":       {"policy: p\ncases:\n- {name: a, tool: t}", `3:3: error: the case "a" expects nothing (expect: {decision: deny, rule: ID})`},
		"only a decision":       {"policy: p\ncases:\n- {name: a, tool: t, expect: {decision: deny}}", `expect names neither a rule nor a reason`},
		"no decision":           {"policy: p\ncases:\n- {name: a, tool: t, expect: {decision: no, rule: r}}", `expect.decision is allow, approve or deny`},
		"no such reason":        {"policy: p\ncases:\n- {name: a, tool: t, expect: {decision: deny, reason: rule_denid}}", `"rule_denid" is no reason (did you mean "rule_denied"?)`},
		"no request":            {"policy: p\ncases:\n- {name: a, tool: t, uri: u, expect: {decision: deny, rule: r}}", `the case "a" is no request: a request names one of`},
		"an axis and a field":   {"policy: p\ncases:\n- {name: a, tool: t, matrix: {tool: [x]}, expect: {decision: deny, rule: r}}", `tool stands in the case and in its matrix`},
		"an axis of nothing":    {"policy: p\ncases:\n- {name: a, matrix: {tool: []}, expect: {decision: deny, rule: r}}", `matrix.tool is a list of values`},
		"a time that is none":   {"policy: p\nnow: noon\ncases:\n- {name: a, tool: t, expect: {decision: deny, rule: r}}", `2:6: error: now is a time (now: 2026-11-20T10:00:00Z)`},
		"a home that is none":   {"policy: p\nhome: ~\ncases:\n- {name: a, tool: t, expect: {decision: deny, rule: r}}", `home is text`},
		"a number JSON has not": {"policy: p\ncases:\n- {name: a, tool: t, arguments: {x: .inf}, expect: {decision: deny, rule: r}}", `is not a number of JSON`},
		"a team of nobody":      {"policy: p\nteams: {a: {}}\ncases:\n- {name: a, tool: t, expect: {decision: deny, rule: r}}", `2:9: error: the team "a" has no groups (groups: [GROUP])`},
		"a key twice":           {"policy: p\npolicy: q\ncases: []", `stands twice`},
		"an alias":              {"policy: &p x\ncases: *p", `anchors are not used`},
		"no YAML":               {"a: [", "this is not YAML"},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := ReadSuite("t.yaml", []byte(c.in))
			var all []string
			for _, p := range problems {
				all = append(all, p.String())
			}
			if got := strings.Join(all, "\n"); !strings.Contains(got, c.want) || !policy.Failed(problems) {
				t.Errorf("problems:\n%s\nwant %s", got, c.want)
			}
		})
	}
}

func TestMatrix(t *testing.T) {
	s, problems := ReadSuite("t.yaml", []byte(`
policy: [a.yaml, b.yaml]
now: 2026-11-20T10:00:00Z
defaults: {backend: crm, facts: {trust.score: 50, device.compliant: true}}
cases:
  - name: all
    matrix: {tool: [read, write], arguments: [{n: 0x10}, {n: 9007199254740993}]}
    facts: {trust.score: 60}
    now: 2026-11-20T11:00:00Z
    expect: {decision: allow, rule: null}
`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var names, lines []string
	for _, c := range s.Cases {
		names, lines = append(names, c.Name), append(lines, string(c.line))
	}
	if diff := cmp.Diff([]string{
		`all tool="read" arguments={"n":16}`, `all tool="read" arguments={"n":9007199254740993}`,
		`all tool="write" arguments={"n":16}`, `all tool="write" arguments={"n":9007199254740993}`,
	}, names); diff != "" {
		t.Error(diff)
	}
	want := `{"id":"all tool=\"read\" arguments={\"n\":16}","backend":"crm","tool":"read","arguments":{"n":16},"facts":{"trust.score":60,"device.compliant":true},"now":"2026-11-20T11:00:00Z"}`
	if diff := cmp.Diff(want, lines[0]); diff != "" {
		t.Error(diff)
	}
}

func FuzzReadSuite(f *testing.F) {
	f.Add([]byte("policy: p\ncases:\n- {name: a, tool: t, matrix: {arguments: [{x: 1}]}, expect: {decision: deny, rule: r}}"))
	f.Add([]byte("policy: p\ndefaults: {facts: {a: 1}}\ncases:\n- {name: a, uri: u, facts: {b: .5}, expect: {decision: allow, rule: null}}"))
	f.Add([]byte("policy: p\nrules: [{id: a, allow: [a.b]}]\ntests: {home: /h, cases: [{name: a, prompt: u, expect: {decision: allow, rule: null}}]}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, problems := ReadSuite("t.yaml", data)
		if s == nil || policy.Failed(problems) {
			return
		}
		for _, c := range s.Cases {
			if _, _, _, err := ReadRequest(c.line, "b"); err != nil {
				t.Errorf("a case that was accepted is no request: %v", err)
			}
		}
	})
}
