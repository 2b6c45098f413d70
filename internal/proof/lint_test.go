package proof

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/policy"
)

func TestLint(t *testing.T) {
	for name, c := range map[string]struct {
		rules string
		want  []string
	}{
		"nothing to say": {
			`
- {id: a, allow: ["crm.read"], roles: [x]}
- {id: b, deny: ["crm.read"], roles: [y]}
- {id: c, allow: ["crm.read"], roles: [x], ops: [read]}
- {id: d, approve: ["crm.read"], roles: [x]}`,
			[]string{"6: warning: redundant: rule c: a (p.yaml:4) does the same for all that it is about"},
		},
		"dead by name": {
			`
- {id: a, allow: ["crm.read_*", "crm.list"]}
- {id: b, deny: ["crm.*"]}`,
			[]string{"4: error: dead: rule a: it never grants: b (p.yaml:5) denies everything that it is about"},
		},
		"dead by everything": {
			`
- {id: a, allow: ["prompt:crm.read"]}
- {id: b, deny: ["*"]}`,
			[]string{"4: error: dead: rule a: it never grants: b (p.yaml:5) denies everything that it is about"},
		},
		"dead by conditions": {
			`
- {id: a, approve: ["crm.pay"], roles: [x], paths: ["/srv/**"], args: {n: {enum: [1, 2]}, m: {max: 5}}}
- {id: b, deny: ["crm.*"], roles: [x, y], paths: ["/srv/**", "/etc/**"], args: {n: {enum: [1, 2, 3]}, m: {max: 10}}}`,
			[]string{"4: error: dead: rule a: it never grants: b (p.yaml:5) denies everything that it is about"},
		},
		"not dead": {`
- {id: a, allow: ["crm.pay"], roles: [x, z], args: {m: {max: 11}}}
- {id: b, deny: ["crm.*"], roles: [x, y]}
- {id: c, deny: ["crm.*"], args: {m: {max: 10}}}
- {id: d, deny: ["crm.pay"], unless: [{roles: [x]}]}
- {id: e, deny: ["crm.pay"], mode: monitor}
- {id: f, deny: ["crm.pay_*"]}
- {id: g, deny: ["crm.*"], paths: ["**"]}`, nil},
		"an exception of a value keeps it alive": {`
- {id: a, allow: ["crm.pay"], paths: ["/srv/**"]}
- {id: b, deny: ["crm.pay"], paths: {any: ["/srv/**"], except: ["/srv/a"]}}`, nil},
		"a regular expression is not taken apart": {
			`
- {id: a, allow: ["crm.pay"], args: {n: {pattern: "C[0-9]"}}}
- {id: b, deny: ["crm.pay"], args: {n: {pattern: "C."}}}`,
			[]string{"4: unknown: dead: rule a: b (p.yaml:5) may deny everything that it is about: a regular expression or CEL decides, which is not analysed"},
		},
		"said twice": {
			`
- {id: a, allow: ["crm.pay"], roles: [x]}
- {id: b, allow: ["crm.pay"], roles: [x]}
- {id: c, deny: ["crm.drop"], message: No.}
- {id: d, deny: ["crm.drop*"], message: Never.}`,
			[]string{
				"5: warning: duplicate: rule b: it says what a (p.yaml:4) says",
				"6: note: redundant: rule c: d (p.yaml:7) does the same for all that it is about, in other words",
			},
		},
		"another option is not the same": {`
- {id: a, allow: ["crm.pay"], returns: {pii: redact}}
- {id: b, allow: ["crm.*"]}`, nil},
		"nothing satisfies it": {
			`
- {id: a, allow: ["crm.pay"], args: {n: {enum: [1, 2], min: 3}}}
- {id: b, allow: ["crm.see"], args: {n: {enum: [ab, bc], pattern: "b"}}}
- {id: c, deny: ["crm.seek"], args: {n: {enum: [ab, bc], pattern: "b"}}}
- {id: d, allow: ["crm.put"], args: {n: {type: string, max: 3}}}
- {id: e, allow: ["crm.get"], paths: {all: ["/a/**"], except: ["/a/**"]}}
- {id: f, allow: ["crm.mv"], paths: ["/a/**"], to: ["/b/**"]}
- {id: g, allow: ["crm.cp"], paths: ["/a/**"], to: ["/a/b/**"]}
- {id: h, deny: ["crm.rm"], roles: [x], unless: [{roles: [x]}]}`,
			[]string{
				"4: error: contradiction: rule a: it never acts: args.n: none of the values of enum satisfies the rest",
				"5: error: contradiction: rule b: it never acts: args.n: none of the values of enum satisfies the rest",
				"7: error: contradiction: rule d: it never acts: args.n: min and max are for numbers, and the type is string",
				"8: error: contradiction: rule e: it never acts: paths excepts all that it lists",
				"9: error: contradiction: rule f: it never acts: no path is in paths and in to",
				"11: error: contradiction: rule h: it never acts: the exception holds wherever its conditions do",
			},
		},
		"anchors": {
			`
- {id: a, allow: ["crm.pay"], args: {n: {pattern: "^a"}, m: {pattern: "^(a|b)$"}, o: {pattern: "^a|b$"}}}
- {id: b, deny: ["crm.get"], args: {n: {pattern: "^drop"}, m: {pattern: "drop"}, o: {pattern: "[|^]a"}}}`,
			[]string{
				`4: warning: regex: rule a: "^a" looks unanchored, and it matches the whole value here, as every pattern that grants`,
				`4: warning: regex: rule a: "^a|b$": an anchor binds closer than |: write ^(?:…|…)$`,
				`5: note: regex: rule b: "^drop" is searched for here, as every pattern that restricts: a value with something before or after it is not restricted`,
			},
		},
		"known servers": {
			`
- {id: a, allow: ["files.read_fil", "files.wr*"]}
- {id: b, deny: ["files.write_file"], args: {mode: {enum: [x]}}}
- {id: c, deny: ["files.read_file"], args: {mode: {enum: [x], missing: skip}, path: {pattern: x}}}
- {id: d, deny: ["files.extra"]}`,
			[]string{
				`4: warning: unknown-tool: rule a: files.read_fil is no tool of server-filesystem as recorded (did you mean "read_file"?)`,
				`4: note: unconstrained: rule a: any text is allowed in write_file.path, write_file.content, and these tools have side effects`,
				`5: warning: undeclared-argument: rule b: args.mode is no argument of write_file as recorded: every call of it is restricted`,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			text := "policy: p\ntools: {files: {known: server-filesystem}, files.extra: {ops: [read]}}\nrules:" + c.rules + "\n"
			findings, problems := bench(t, "p.yaml", text).Lint()
			if policy.Failed(problems) {
				t.Fatal(problems)
			}
			var got []string
			for _, f := range findings {
				line, rest, _ := strings.Cut(strings.TrimPrefix(f.String(), "p.yaml:"), ":")
				_, rest, _ = strings.Cut(rest, ":")
				got = append(got, line+":"+rest)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCovers(t *testing.T) {
	for _, c := range []struct {
		p, q string
		want bool
	}{
		{"*", "method:x", true},
		{"crm.*", "crm.read_*", true},
		{"crm.read_*", "crm.*", false},
		{"crm.*_a", "crm.x_a", true},
		{"crm.a*b*c", "crm.ab*c", true},
		{"crm.a*b", "crm.a*", false},
		{"*.*", "crm.*", true},
		{"crm.*", "*.*", false},
		{"crm.*", "prompt:crm.x", false},
		{"resource:crm.**", "resource:crm.a/*", true},
		{"resource:crm.a/*", "resource:crm.a/**", false},
		{"resource:crm.a/*", "resource:crm.a/b", true},
		{"method:**", "method:vendor/x", true},
		{"crm.x", "*", false},
	} {
		if got := parsePattern(c.p).covers(parsePattern(c.q)); got != c.want {
			t.Errorf("%s covers %s: %v, want %v", c.p, c.q, got, c.want)
		}
	}
}
