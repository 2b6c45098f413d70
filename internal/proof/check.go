package proof

import (
	"cmp"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/pdp"
	"github.com/custos-zt/custos/policy"
)

// Check compares a policy with what is known about the tools that its rules are
// about: arguments that they list and no such tool has, and tools that a rule
// cannot judge, because nothing says what they do. s MUST be compiled from the
// sources of the bench. What the policy itself shows is for [policy.Compile] to
// report.
func (b *Bench) Check(s *pdp.Snapshot) []policy.Problem {
	l := &linter{view: newView(s, b.Sources), bench: b}
	for _, r := range l.rules {
		for _, p := range r.patterns {
			tools, known := l.recorded(p)
			if known {
				l.lacking(r, tools)
			}
			tools = l.described(p, tools)
			l.unjudged(r, p, tools)
			l.texts(r, p, tools)
		}
	}
	out := make([]policy.Problem, 0, len(l.findings))
	for _, f := range l.findings {
		p := policy.Problem{File: f.File, Line: f.Line, Column: f.Column, Severity: policy.Warning, Message: "rule " + f.Rule + ": " + f.Message}
		if f.Severity == "error" {
			p.Severity = policy.Error
		}
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, func(a, b policy.Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return out
}

// lacking reports arguments that a rule asks for and no tool of a pattern has: a
// grant is never given then, and a restriction always is. Where some of the
// tools have it, the pattern is wider than the rule.
func (l *linter) lacking(r *writtenRule, tools []recordedTool) {
	for _, key := range argNames(r.conditions["args"]) {
		spec := member(r.conditions["args"], key.Value)
		if flagged(spec, "optional") || member(spec, "missing") != nil || len(tools) == 0 {
			continue
		}
		without := lackers(tools, key.Value)
		switch {
		case len(without) == len(tools):
			l.find("error", "undeclared-argument", r, key, "args.%s is no argument of %s as recorded: %s", key.Value, listed(without), consequence(r))
		case len(without) > 0:
			l.find("warning", "undeclared-argument", r, key, "args.%s is no argument of %s as recorded: %s", key.Value, listed(without), consequence(r))
		}
	}
}

// lackers are the tools that do not declare an argument.
func lackers(tools []recordedTool, arg string) []string {
	var without []string
	for _, t := range tools {
		if t.def != nil && t.def.Schema.Path("properties", firstKey(arg)).IsAbsent() && !slices.Contains(without, t.name) {
			without = append(without, t.name)
		}
	}
	return without
}

// consequence says what a condition that nothing can meet brings about.
func consequence(r *writtenRule) string {
	if r.Effect == access.Allow || r.Effect == access.Delegate {
		return "no call of it is granted"
	}
	return "every call of it is restricted"
}

// unjudged lists tools of which nothing says what a rule asks: what they do, or
// which of their arguments are paths.
func (l *linter) unjudged(r *writtenRule, p pattern, tools []recordedTool) {
	if p.kind != access.Tool || p.everything || p.backend == "*" {
		return
	}
	for _, field := range []string{"ops", "side_effects", "tool_tier"} {
		if r.conditions[field] == nil {
			continue
		}
		var without []string
		for _, t := range tools {
			f := &t.facts
			said := map[string]bool{"ops": f.Ops != 0 || len(f.OpsBy) > 0, "side_effects": f.SideEffects != nil, "tool_tier": f.Tier != ""}
			if !said[field] {
				without = append(without, t.backend+"."+t.name)
			}
		}
		if len(without) > 0 {
			l.find("warning", "unjudged", r, r.conditions[field], "nothing says the %s of %s (tools: declares them): %s", field, listed(without), consequence(r))
		}
	}
}

// described are the recorded tools of a pattern, or the pattern as one tool with
// what the policy declares.
func (l *linter) described(p pattern, tools []recordedTool) []recordedTool {
	if len(tools) > 0 {
		return tools
	}
	facts, _ := l.snapshot.Declared(p.backend, p.name)
	return []recordedTool{{backend: p.backend, name: p.name, facts: facts}}
}

// textual are the names of arguments that hold commands, queries and programs.
func textual() []string { return []string{"command", "cmd", "script", "code", "sql"} }

// texts warns where a condition on paths is the only one on a tool that takes
// commands, SQL or programs: what these name is text, and no path.
func (l *linter) texts(r *writtenRule, p pattern, tools []recordedTool) {
	placed := slices.ContainsFunc([]string{"paths", "from", "to"}, func(f string) bool { return r.conditions[f] != nil })
	if p.kind != access.Tool || p.everything || !placed || r.conditions["commands"] != nil || r.Effect == access.Delegate {
		return
	}
	var free []string
	for i := range tools {
		t := &tools[i]
		args := slices.Clone(t.facts.Commands)
		if t.def != nil {
			for _, m := range t.def.Schema.Get("properties").Members() {
				if slices.Contains(textual(), m.Key) && !slices.Contains(args, m.Key) {
					args = append(args, m.Key)
				}
			}
		}
		for _, arg := range args {
			if !slices.ContainsFunc(argNames(r.conditions["args"]), func(k *yaml.Node) bool { return firstKey(k.Value) == firstKey(arg) }) {
				free = append(free, t.backend+"."+t.name+" ("+arg+")")
			}
		}
	}
	if len(free) > 0 {
		l.find("warning", "text", r, r.node, "a command or a query is text: paths sees no file that %s names", listed(free))
	}
}
