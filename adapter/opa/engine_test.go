package opa_test

import (
	"strings"
	"testing"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/adapter/opa"
	"github.com/custos-zt/custos/policy"
	"github.com/custos-zt/custos/policy/enginetest"
)

func compile(text string) (policy.Engine, error) {
	e, err := opa.New(policy.Source{Name: "custos.rego", Data: []byte(text)})
	if err != nil {
		return nil, err
	}
	return e, nil
}

func TestConformance(t *testing.T) {
	enginetest.Run(t, enginetest.Suite{
		Compile: compile, Exactly: true,
		Policies: enginetest.Policies{
			Outcomes: inRego(outcomes), Limit: inRego(limit), Mode: inRego(mode), Exact: inRego(exact),
			Facts: inRego(facts), Roles: inRego(roles),
			Faulty: map[string]string{
				"undefined":       "package custos\ndecision := {\"outcome\": \"allow\"} if input.name == \"other\"",
				"no decision":     "package custos\nallow := true",
				"true":            "package custos\ndecision := true",
				"text":            "package custos\ndecision := \"allow\"",
				"no outcome":      "package custos\ndecision := {\"rule\": \"a\"}",
				"unknown outcome": "package custos\ndecision := {\"outcome\": \"maybe\"}",
				"capital outcome": "package custos\ndecision := {\"outcome\": \"Allow\"}",
				"mistyped reason": "package custos\ndecision := {\"outcome\": \"allow\", \"reason\": 7}",
				"unknown key":     "package custos\ndecision := {\"outcome\": \"allow\", \"obligation\": []}",
				"obligation":      "package custos\ndecision := {\"outcome\": \"allow\", \"obligations\": [\"log\"]}",
				"obligations":     "package custos\ndecision := {\"outcome\": \"allow\", \"obligations\": {\"log\": true}}",
				"conflict":        "package custos\ndecision := {\"outcome\": \"allow\"} if input.name == \"read\"\ndecision := {\"outcome\": \"deny\"} if input.args.limit == 1",
				"error":           "package custos\ndecision := {\"outcome\": \"allow\"} if not bad\nbad if startswith(input.args.limit, \"x\")",
			},
			Refused: map[string]string{
				"syntax":          "package custos\ndecision := {",
				"input":           "package custos\ndecision := {\"outcome\": \"allow\"} if { x := input; x.args.limit < 3 }",
				"args":            "package custos\ndecision := {\"outcome\": \"allow\"} if { x := input.args; x.limit < 3 }",
				"imported args":   "package custos\nimport input.args as a\ndecision := {\"outcome\": \"allow\"} if { x := a; x.limit < 3 }",
				"args to f":       "package custos\nf(a) if a.limit > 3\ndecision := {\"outcome\": \"allow\"} if not f(input.args)",
				"variable":        "package custos\ndecision := {\"outcome\": \"allow\"} if { some k; input.args[k] == 3 }",
				"behind variable": "package custos\ndecision := {\"outcome\": \"allow\"} if input.args.items[_].price < 3",
				"unknown field":   "package custos\ndecision := {\"outcome\": \"allow\"} if input.tool_name == \"read\"",
				"with":            "package custos\np if input.args.limit > 3\ndecision := {\"outcome\": \"allow\"} if p with input.args.limit as 5",
				"clock":           "package custos\ndecision := {\"outcome\": \"allow\"} if time.now_ns() > 3",
				"network":         "package custos\ndecision := {\"outcome\": \"allow\"} if http.send({\"method\": \"get\", \"url\": \"http://127.0.0.1\"}).status_code == 200",
			},
		},
	})
}

// TestStrictReads holds what a caller can leave out or mistype against the
// forms that authors write.
func TestStrictReads(t *testing.T) {
	for _, c := range []struct {
		name, deny string
		args       map[string]access.Effect
	}{
		{"below", `input.args.n < 10`, map[string]access.Effect{
			`{"n":50}`: access.Allow, `{"n":5}`: access.Deny, `{"n":"5"}`: access.Deny, `{}`: access.Deny,
		}},
		{"through an import", `a.n < 10`, map[string]access.Effect{
			`{"n":50}`: access.Allow, `{}`: access.Deny,
		}},
		{"through a variable", `x := input.args.n; x < 10`, map[string]access.Effect{
			`{"n":50}`: access.Allow, `{"n":5}`: access.Deny, `{"n":[5]}`: access.Deny, `{}`: access.Deny,
		}},
		{"bare", `input.args.force`, map[string]access.Effect{
			`{"force":false}`: access.Allow, `{"force":true}`: access.Deny, `{}`: access.Deny,
		}},
		{"not", `not input.args.safe`, map[string]access.Effect{
			`{"safe":true}`: access.Allow, `{"safe":false}`: access.Deny, `{}`: access.Deny,
		}},
		{"deep", `input.args.opts.depth > 3`, map[string]access.Effect{
			`{"opts":{"depth":1}}`: access.Allow, `{"opts":{"depth":9}}`: access.Deny, `{"opts":{}}`: access.Deny, `{"opts":7}`: access.Deny, `{}`: access.Deny,
		}},
		{"an object as a value", `o := input.args.opts; o.depth > 3`, map[string]access.Effect{
			`{"opts":{"depth":1}}`: access.Deny, `{"opts":{}}`: access.Deny,
		}},
		{"some in", `some f in input.args.files; startswith(f, "/etc")`, map[string]access.Effect{
			`{"files":["/srv"]}`: access.Allow, `{"files":[]}`: access.Allow, `{"files":["/srv","/etc/x"]}`: access.Deny,
			`{"files":"/etc/x"}`: access.Deny, `{"files":[["/etc/x"]]}`: access.Deny, `{"files":[{"path":"/etc/x"}]}`: access.Deny, `{}`: access.Deny,
		}},
		{"some in, through a variable", `fs := input.args.files; some f in fs; startswith(f, "/etc")`, map[string]access.Effect{
			`{"files":["/srv"]}`: access.Allow, `{"files":["/etc/x"]}`: access.Deny, `{"files":"/etc/x"}`: access.Deny,
		}},
		{"any item", `startswith(input.args.files[_], "/etc")`, map[string]access.Effect{
			`{"files":["/srv"]}`: access.Allow, `{"files":["/etc/x"]}`: access.Deny, `{"files":"/etc/x"}`: access.Deny, `{}`: access.Deny,
		}},
		{"first item", `input.args.files[0] == "x"`, map[string]access.Effect{
			`{"files":["y"]}`: access.Allow, `{"files":["x"]}`: access.Deny, `{"files":[]}`: access.Deny,
		}},
		{"member", `input.args.mode in {"force", "hard"}`, map[string]access.Effect{
			`{"mode":"soft"}`: access.Allow, `{"mode":"hard"}`: access.Deny, `{"mode":["hard"]}`: access.Deny, `{"mode":1}`: access.Deny, `{}`: access.Deny,
		}},
		{"contained", `"-f" in input.args.flags`, map[string]access.Effect{
			`{"flags":["-v"]}`: access.Allow, `{"flags":["-f"]}`: access.Deny, `{"flags":"-f"}`: access.Deny, `{}`: access.Deny,
		}},
		{"every", `not good
good if { every f in input.args.files { startswith(f, "/srv") } }
p if false`, map[string]access.Effect{
			`{"files":["/srv/a"]}`: access.Allow, `{"files":["/etc"]}`: access.Deny, `{"files":"/srv/a"}`: access.Deny, `{}`: access.Deny,
		}},
		{"every, denying", `every f in input.args.files { startswith(f, "/etc") }`, map[string]access.Effect{
			`{"files":["/srv/a"]}`: access.Allow, `{"files":["/etc/a"]}`: access.Deny, `{"files":"/etc/a"}`: access.Deny, `{}`: access.Deny,
		}},
		{"the value of a rule", "v < 10\nv := input.args.n", map[string]access.Effect{
			`{"n":50}`: access.Allow, `{"n":5}`: access.Deny, `{}`: access.Deny,
		}},
		{"a member of a rule", "5 in v\nv contains input.args.n", map[string]access.Effect{
			`{"n":50}`: access.Allow, `{"n":5}`: access.Deny, `{"n":"5"}`: access.Deny, `{}`: access.Deny,
		}},
		{"else", "v == 1\nv := 0 if false else := 1 if input.args.n < 10 else := 2", map[string]access.Effect{
			`{"n":50}`: access.Allow, `{"n":5}`: access.Deny, `{}`: access.Deny,
		}},
		{"an object as it is", `{"n": input.args.n} == {"n": 5}`, map[string]access.Effect{
			`{"n":50}`: access.Allow, `{"n":5}`: access.Deny, `{}`: access.Deny,
		}},
		{"object.get", `object.get(input.args, "n", 50) < 10`, map[string]access.Effect{
			`{"n":50}`: access.Allow, `{"n":5}`: access.Deny, `{"n":"5"}`: access.Deny, `{}`: access.Allow, "": access.Allow,
		}},
		{"object.get of a path", `object.get(input, ["args", "opts", "n"], 50) < 10`, map[string]access.Effect{
			`{"opts":{"n":5}}`: access.Deny, `{"opts":{}}`: access.Allow,
		}},
		{"null", `input.args.n == null`, map[string]access.Effect{
			`{"n":5}`: access.Allow, `{"n":null}`: access.Deny, `{}`: access.Deny,
		}},
		{"head", `x := [input.args.n]; x[0] < 10`, map[string]access.Effect{
			`{"n":50}`: access.Allow, `{"n":5}`: access.Deny, `{}`: access.Deny,
		}},
		{"comprehension", `count([f | some f in input.args.files; f == "x"]) > 0`, map[string]access.Effect{
			`{"files":["y"]}`: access.Allow, `{"files":["x"]}`: access.Deny, `{"files":"x"}`: access.Deny, `{}`: access.Deny,
		}},
		{"template", `startswith($"v{input.args.n}", "v5")`, map[string]access.Effect{
			`{"n":7}`: access.Allow, `{"n":5}`: access.Deny, `{}`: access.Deny,
		}},
		{"function", `f(input.args.n)
f(n) if n < 10
q if false`, map[string]access.Effect{
			`{"n":50}`: access.Allow, `{"n":5}`: access.Deny, `{"n":"5"}`: access.Deny, `{}`: access.Deny,
		}},
		{"unification", `"force" = input.args.mode`, map[string]access.Effect{
			`{"mode":"soft"}`: access.Allow, `{"mode":"force"}`: access.Deny, `{}`: access.Deny,
		}},
	} {
		head := "package custos\n"
		if c.name == "through an import" {
			head += "import input.args as a\n"
		}
		e, err := compile(head + "decision := {\"outcome\": \"deny\"} if p else := {\"outcome\": \"allow\"}\np if { " + body(c.deny))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for args, want := range c.args {
			if d, err := e.Decide(t.Context(), enginetest.Call(t, "pay", args)); err != nil || d.Effect != want {
				t.Errorf("%s: %s is %v %s, error %v; want %v", c.name, args, d.Effect, d.Reason, err, want)
			}
		}
	}
}

// body closes the first rule of a text: the rest are rules of their own.
func body(text string) string {
	first, rest, _ := strings.Cut(text, "\n")
	return first + " }\n" + rest
}
