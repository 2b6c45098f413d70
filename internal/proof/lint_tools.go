package proof

import (
	"slices"
	"strings"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/inventory"
)

// recordedTool is a tool of a server under `known:`.
type recordedTool struct {
	backend, name string
	def           *inventory.Definition
	facts         access.ToolFacts
}

// recorded returns the tools with recorded definitions that a pattern covers,
// and whether its backend has recorded definitions at all.
func (l *linter) recorded(p pattern) (tools []recordedTool, known bool) {
	if p.kind != access.Tool || p.everything || strings.Contains(p.backend, "*") {
		return nil, false
	}
	declared, entryName := l.snapshot.Declared(p.backend, "")
	entry := l.bench.Registry.Entry(entryName)
	if entry == nil {
		return nil, false
	}
	for _, name := range entry.Tools() {
		if p.matches(p.backend, name) {
			def := entry.Newest(name)
			if d, _ := l.snapshot.Declared(p.backend, name); d.Described {
				declared = d
			}
			tools = append(tools, recordedTool{p.backend, name, def, inventory.Describe(declared, entry, def)})
		}
	}
	return tools, true
}

// tools compares a rule with the recorded tools that its patterns cover.
func (l *linter) tools(r *writtenRule) {
	var all []recordedTool
	for _, p := range r.patterns {
		tools, known := l.recorded(p)
		if known && len(tools) == 0 {
			l.unknownTool(r, p)
		}
		all = append(all, tools...)
	}
	l.arguments(r, all)
	if r.Effect == access.Allow {
		l.unconstrained(r, all)
	}
}

// unknownTool reports a pattern that covers no tool of a known server.
func (l *linter) unknownTool(r *writtenRule, p pattern) {
	if d, _ := l.snapshot.Declared(p.backend, p.name); d.Described && p.exact() {
		return // the policy itself says what this tool does
	}
	_, name := l.snapshot.Declared(p.backend, "")
	hint := near(p.name, l.bench.Registry.Entry(name).Tools())
	if hint != "" {
		hint = " (" + hint + ")"
	}
	l.find("warning", "unknown-tool", r, r.node, "%s.%s is no tool of %s as recorded%s", p.backend, p.name, name, hint)
}

// arguments reports constraints on arguments that a tool does not have: a
// restriction then holds for every call of it, a grant for none.
func (l *linter) arguments(r *writtenRule, tools []recordedTool) {
	for _, key := range argNames(r.conditions["args"]) {
		spec := member(r.conditions["args"], key.Value)
		if flagged(spec, "optional") || member(spec, "missing") != nil {
			continue
		}
		if without := lackers(tools, key.Value); len(without) > 0 {
			l.find("warning", "undeclared-argument", r, key, "args.%s is no argument of %s as recorded: %s", key.Value, listed(without), consequence(r))
		}
	}
}

// unconstrained reports strings that a rule lets through as they are to tools
// that do more than read their own data.
func (l *linter) unconstrained(r *writtenRule, tools []recordedTool) {
	ops := r.words(r.conditions["ops"])
	var open []string
	for _, t := range tools {
		if !acts(t.facts.SideEffects) || len(ops) > 0 && subset(t.facts.Ops.Names(), ops) == no {
			continue
		}
		for _, m := range t.def.Schema.Get("properties").Members() {
			if m.Value.Get("type").Text() == "string" && !l.judged(r, &t, m.Key) {
				open = append(open, t.name+"."+m.Key)
			}
		}
	}
	if len(open) > 0 {
		l.find("note", "unconstrained", r, r.node, "any text is allowed in %s, and these tools have side effects", listed(open))
	}
}

// acts reports whether a tool does something beyond reading.
func acts(effects []string) bool {
	return slices.ContainsFunc(effects, func(e string) bool { return !strings.HasSuffix(e, "_read") })
}

// judged reports whether a condition of the rule looks at an argument.
func (l *linter) judged(r *writtenRule, t *recordedTool, arg string) bool {
	for _, key := range argNames(r.conditions["args"]) {
		if firstKey(key.Value) == arg {
			return true
		}
	}
	places := []string{"paths", "from", "to"}
	declared := slices.ContainsFunc(t.facts.Paths, func(p access.PathFact) bool { return firstKey(p.Arg) == arg })
	if slices.Contains(t.facts.URLs, arg) {
		declared, places = true, []string{"urls", "hosts"}
	}
	if slices.Contains(t.facts.Commands, arg) {
		declared, places = true, []string{"commands"}
	}
	return declared && slices.ContainsFunc(places, func(field string) bool { return r.conditions[field] != nil })
}

// listed joins names, the first few of many.
func listed(names []string) string {
	const most = 5
	if len(names) > most {
		return strings.Join(names[:most], ", ") + " and others"
	}
	return strings.Join(names, ", ")
}
