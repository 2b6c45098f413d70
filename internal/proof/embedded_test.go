package proof

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/custos-zt/custos/policy"
)

// proves compiles files as one policy and runs their tests.
func proves(t *testing.T, ctx context.Context, files map[string]string) (int, string, error) {
	t.Helper()
	b := bench(t, "", "")
	b.Sources = nil
	for _, name := range []string{"a.yaml", "a.json", "b.yaml"} {
		if text, ok := files[name]; ok {
			b.Sources = append(b.Sources, policy.Source{Name: name, Data: []byte(text)})
		}
	}
	s, problems := policy.Compile(b.Sources, b.Options)
	if s == nil {
		t.Fatal(problems)
	}
	cases, failed, err := b.Prove(ctx, s)
	var all []string
	for _, p := range failed {
		all = append(all, p.String())
	}
	return cases, strings.Join(all, "\n"), err
}

const allows = "policy: p\nbackend: b\nrules: [{id: a, allow: [x], unlisted_args: allow}]\n"

func TestProve(t *testing.T) {
	const failing = `tests: {cases: [{name: n, tool: x, expect: {decision: deny, rule: null}}]}`
	for name, c := range map[string]struct {
		files map[string]string
		cases int
		want  string
	}{
		"no tests":        {map[string]string{"a.yaml": allows}, 0, ""},
		"one that fails":  {map[string]string{"a.yaml": allows + failing}, 1, `a.yaml:4:1: error: the test "n" fails: want deny by no rule, got allow by a (rule_allowed)`},
		"a word, no key":  {map[string]string{"a.yaml": allows + "# tests"}, 0, ""},
		"escaped in YAML": {map[string]string{"a.yaml": allows + `"\x74ests": {cases: [{name: n, tool: x, expect: {decision: deny, rule: null}}]}`}, 1, `the test "n" fails`},
		"escaped in JSON": {map[string]string{"a.json": `{"policy":"p","rules":[{"id":"a","allow":["b.x"]}],"t\u0065sts":{"cases":[{"name":"n","backend":"b","tool":"x","expect":{"decision":"deny","rule":null}}]}}`}, 1, `the test "n" fails`},
		"of the other file": {map[string]string{
			"a.yaml": allows + `tests: {cases: [{name: n, tool: x, expect: {decision: deny, rule: no}}]}`,
			"b.yaml": "policy: q\nrules: [{id: no, deny: [\"b.x\"]}]\ntests: {cases: [{name: m, backend: b, tool: y, expect: {decision: deny, rule: null}}]}\n",
		}, 2, ""},
		"its own home": {map[string]string{"a.yaml": `policy: p
rules: [{id: a, allow: ["b.x"], paths: ["~/a/**"]}]
tests: {home: /home/somebody, cases: [{name: n, backend: b, tool: x, arguments: {path: /home/somebody/a/b}, schema: {type: object, properties: {path: {type: string}}}, expect: {decision: allow, rule: a}}]}
`}, 1, ""},
		"unreadable": {map[string]string{"a.yaml": allows + `tests: {cases: []}`}, 0, `a.yaml:4:16: error: cases is a list of at least one case`},
	} {
		t.Run(name, func(t *testing.T) {
			cases, failed, err := proves(t, t.Context(), c.files)
			if err != nil || cases != c.cases || c.want == "" && failed != "" || !strings.Contains(failed, c.want) {
				t.Errorf("%d cases, %v:\n%s\nwant %d, %s", cases, err, failed, c.cases, c.want)
			}
		})
	}
}

func TestProveEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := proves(t, ctx, map[string]string{"a.yaml": allows + `tests: {cases: [{name: n, tool: x, expect: {decision: allow, rule: a}}]}`})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the end of the context", err)
	}
}
