package casbin_test

import (
	"testing"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/adapter/casbin"
	"github.com/custos-zt/custos/policy"
	"github.com/custos-zt/custos/policy/enginetest"
)

func compile(text string) (policy.Engine, error) {
	e, err := casbin.New(policy.Source{Name: "custos.csv", Data: []byte(text)})
	if err != nil {
		return nil, err
	}
	return e, nil
}

func TestConformance(t *testing.T) {
	enginetest.Run(t, enginetest.Suite{
		Compile: compile,
		Policies: enginetest.Policies{
			Outcomes: outcomes, Limit: limit, Mode: mode, Exact: exact, Facts: facts, Roles: roles,
			Faulty: map[string]string{
				"another tool":        `p, a, *, hub.other, true, allow`,
				"no boolean":          `p, a, *, hub.read, r.sub, allow`,
				"error in allow":      `p, a, *, hub.read, "flag(r.ctx, 'missing')", allow`,
				"error beside allow":  "p, a, *, hub.read, true, allow\np, b, *, hub.read, \"flag(r.ctx, 'missing')\", allow",
				"error of an operand": "p, a, *, hub.read, true, allow\np, b, *, hub.read, \"text(r.ctx)\", deny",
				"mistyped operator":   "p, a, *, hub.read, true, allow\np, b, *, hub.read, \"number(r.ctx, 'limit') > 'x'\", deny",
			},
			Refused: map[string]string{
				"nothing":           ``,
				"an unknown effect": `p, a, *, hub.read, true, maybe`,
				"none":              `p, a, *, hub.read, true, none`,
				"delegate":          `p, a, *, hub.read, true, delegate`,
				"a short row":       `p, a, *, hub.read, true`,
				"no id":             `p, , *, hub.read, true, allow`,
				"no condition":      `p, a, *, hub.read, , allow`,
				"an unknown row":    `q, a, *, hub.read, true, allow`,
				"one id twice":      "p, a, *, hub.read, true, allow\np, a, *, hub.pay, true, allow",
				"everything":        `p, a, *, *, true, allow`,
				"a star inside":     `p, a, *, hub.*.read, true, deny`,
				"no expression":     `p, a, *, hub.read, "number(", deny`,
				"unknown function":  `p, a, *, hub.read, "nubmer(r.ctx, 'limit') > 1", deny`,
				"unknown variable":  `p, a, *, hub.read, "limit > 1", deny`,
				"a field":           `p, a, *, hub.read, "r.ctx.Args == 1", deny`,
				"a date":            `p, a, *, hub.read, "text(r.ctx, 'day') == '2026-11-20'", deny`,
				"an inexact number": `p, a, *, hub.read, "number(r.ctx, 'id') == 9007199254740993", deny`,
			},
		},
	})
}

func TestNamesAndPositions(t *testing.T) {
	e, err := compile("# comment\np, ops, role:corp:ops, hub.*, true, allow\np, staff, group:corp:staff, hub.list, true, allow\n\np, ann, corp:ann, hub.read, true, allow\ng, corp:bob, corp:ann\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		subject  access.Subject
		tool     string
		rule, at string
	}{
		{"by name", access.Subject{ID: "ann", Issuer: "corp", Known: true}, "read", "ann", "custos.csv:5"},
		{"by a g row", access.Subject{ID: "bob", Issuer: "corp", Known: true}, "read", "ann", "custos.csv:5"},
		{"by role", access.Subject{ID: "eve", Issuer: "corp", Known: true, Roles: []string{"ops"}}, "x", "ops", "custos.csv:2"},
		{"by group", access.Subject{ID: "eve", Issuer: "corp", Known: true, Groups: []string{"staff"}}, "list", "staff", "custos.csv:3"},
		{"a role is no group", access.Subject{ID: "eve", Issuer: "corp", Known: true, Roles: []string{"staff"}}, "list", "", ""},
		{"a role is no name", access.Subject{ID: "eve", Issuer: "corp", Known: true, Roles: []string{"ann"}}, "read", "", ""},
		{"another issuer", access.Subject{ID: "ann", Issuer: "evil", Known: true, Roles: []string{"ops"}}, "read", "", ""},
	} {
		r := enginetest.Call(t, c.tool, "{}")
		r.Subject = c.subject
		d, err := e.Decide(t.Context(), r)
		if err != nil || d.Rule != c.rule || d.Position != c.at || (d.Effect == access.Allow) != (c.rule != "") {
			t.Errorf("%s: %v by %q at %q, error %v", c.name, d.Effect, d.Rule, d.Position, err)
		}
	}
}

// TestObjects names what is no tool.
func TestObjects(t *testing.T) {
	e, err := compile("p, tools, *, hub.*, true, allow\np, docs, *, resource:hub.file:///srv/*, true, allow\np, logs, *, method:logging/setLevel, true, allow\np, hello, *, prompt:hub.hello, true, approve\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		kind access.Kind
		name string
		want access.Effect
	}{
		{access.Resource, "file:///srv/a", access.Allow},
		{access.Resource, "file:///etc/a", access.Deny},
		{access.Prompt, "hello", access.Approve},
		{access.Method, "logging/setLevel", access.Allow},
		{access.Method, "hub.read", access.Deny},
	} {
		r := enginetest.Call(t, c.name, "")
		r.Kind, r.Method = c.kind, c.name
		if d, err := e.Decide(t.Context(), r); err != nil || d.Effect != c.want {
			t.Errorf("%v %s: %v, error %v", c.kind, c.name, d.Effect, err)
		}
	}
}

func TestConditions(t *testing.T) {
	for _, c := range []struct {
		condition string
		args      map[string]access.Effect
	}{
		{`has(r.ctx, 'n') && number(r.ctx, 'n') > 5`, map[string]access.Effect{
			`{}`: access.Allow, `{"n":1}`: access.Allow, `{"n":9}`: access.Deny, `{"n":"9"}`: access.Deny, `{"n":0.1}`: access.Allow, `{"n":1e-400}`: access.Deny, `{"n":0.12345678901234567}`: access.Deny,
		}},
		{`number(r.ctx, 'opts.depth') > 3`, map[string]access.Effect{
			`{"opts":{"depth":1}}`: access.Allow, `{"opts":{"depth":9}}`: access.Deny, `{"opts":{}}`: access.Deny, `{"opts":7}`: access.Deny,
		}},
		{`flag(r.ctx, 'force')`, map[string]access.Effect{
			`{"force":false}`: access.Allow, `{"force":true}`: access.Deny, `{"force":"false"}`: access.Deny, `{"force":0}`: access.Deny,
		}},
		{`text(r.ctx, 'mode') != 'safe'`, map[string]access.Effect{
			`{"mode":"safe"}`: access.Allow, `{"mode":"x"}`: access.Deny, `{"mode":null}`: access.Deny,
		}},
		{`text(r.ctx, 'mode') in ('force', 'hard')`, map[string]access.Effect{
			`{"mode":"safe"}`: access.Allow, `{"mode":"hard"}`: access.Deny, `{"mode":["hard"]}`: access.Deny,
		}},
	} {
		e, err := compile("p, all, *, hub.*, true, allow\np, x, *, hub.pay, \"" + c.condition + "\", deny\n")
		if err != nil {
			t.Errorf("%s: %v", c.condition, err)
			continue
		}
		for args, want := range c.args {
			if d, err := e.Decide(t.Context(), enginetest.Call(t, "pay", args)); err != nil || d.Effect != want {
				t.Errorf("%s: %s is %v %s, error %v; want %v", c.condition, args, d.Effect, d.Reason, err, want)
			}
		}
	}
}
