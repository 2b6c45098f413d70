package policy_test

import (
	"testing"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/policy"
)

const visiblePolicy = `policy: visible
backend: b
tools:
  b.writes: {ops: [write]}
  b.both: {ops: [read], by: {m: {"del*": [delete]}}}
  b.deletes: {ops: [delete]}
rules:
  - {id: args, allow: [args, denied-args], args: {x: {enum: [1]}}}
  - {id: paths, allow: [paths], paths: ["/srv/**"]}
  - {id: ops, allow: [writes, unknown-ops], ops: [read]}
  - {id: by, allow: [both], ops: [delete]}
  - {id: role, allow: [role], roles: [dev]}
  - {id: held, approve: [held]}
  - {id: never, approve: [never], grants: false}
  - {id: watched, allow: [watched], mode: monitor}
  - {id: except-dev, allow: [except-dev], unless: [{roles: [dev]}]}
  - {id: except-args, allow: [except-args], unless: [{args: {x: {enum: [1]}}}]}
  - {id: all, allow: [denied, denied-role, denied-unless, deletes, denied-watched]}
  - {id: no, deny: [denied]}
  - {id: no-args, deny: [denied-args], args: {x: {enum: [1]}}}
  - {id: no-role, deny: [denied-role], roles: [dev]}
  - {id: no-unless, deny: [denied-unless], unless: [{args: {x: {enum: [1]}}}]}
  - {id: no-delete, deny: ["*"], ops: [delete]}
  - {id: no-watched, deny: [denied-watched], mode: monitor}
  - {id: no-list, deny: ["method:prompts/list"]}
`

// What the caller could never use is not shown, and what depends on arguments
// or on a fact that may still arrive is.
func TestVisible(t *testing.T) {
	s, problems := policy.Compile([]policy.Source{{Name: "v.yaml", Data: []byte(visiblePolicy)}}, policy.Options{})
	if s == nil {
		t.Fatal(problems)
	}
	dev := access.Subject{ID: "a", Known: true, Roles: []string{"dev"}}
	other := access.Subject{ID: "b", Known: true, Roles: []string{"sales"}}
	for _, c := range []struct {
		tool    string
		subject access.Subject
		want    bool
	}{
		{"args", dev, true},
		{"paths", dev, true},
		{"writes", dev, false},
		{"unknown-ops", dev, true},
		{"both", dev, true},
		{"role", dev, true},
		{"role", other, false},
		{"role", access.Subject{}, true},
		{"held", dev, true},
		{"never", dev, false},
		{"watched", dev, false},
		{"except-dev", dev, false},
		{"except-dev", other, true},
		{"except-args", dev, true},
		{"denied", dev, false},
		{"denied-args", dev, true},
		{"denied-role", dev, false},
		{"denied-role", other, true},
		{"denied-role", access.Subject{}, true},
		{"denied-unless", dev, true},
		{"deletes", dev, false},
		{"denied-watched", dev, true},
		{"nothing", dev, false},
	} {
		r := &access.Request{Kind: access.Tool, Backend: "b", Name: c.tool, Subject: c.subject, ArgsUnknown: true}
		r.Tool, _ = s.Declared("b", c.tool)
		if got := s.Visible(r); got != c.want {
			t.Errorf("%s for %v: %v", c.tool, c.subject.Roles, got)
		}
	}
	for method, want := range map[string]bool{"tools/list": true, "prompts/list": false} {
		r := &access.Request{Kind: access.Method, Name: method, Passes: true, ArgsUnknown: true}
		if got := s.Visible(r); got != want {
			t.Errorf("%s: %v", method, got)
		}
	}
	gated := &access.Request{Kind: access.Tool, Backend: "b", Name: "held", ArgsUnknown: true, Gates: []access.Gate{{Reason: access.Quarantined}}}
	if s.Visible(gated) {
		t.Error("what a gate stops is listed")
	}
}
