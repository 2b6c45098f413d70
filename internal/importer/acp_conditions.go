package importer

import (
	"slices"
	"strings"
)

// resources writes the resources of one backend.
func (t *acpWriter) resources(backend string) []string {
	schemes, ok := t.rule.conditions["scheme"]
	if !ok {
		return []string{"resource:" + backend + ".**"}
	}
	var out []string
	for _, s := range schemes {
		out = append(out, "resource:"+backend+"."+strings.ToLower(s.value)+":**")
	}
	return out
}

// askedMethods are the methods that mcp-acp asks its policy about and that pass
// here unless a rule denies them.
func askedMethods() []string {
	return []string{"method:completion/complete", "method:logging/setLevel", "method:resources/subscribe", "method:resources/unsubscribe"}
}

// discovery lists the methods that never reach the policy of mcp-acp.
func discovery(method string) bool {
	return slices.Contains([]string{"initialize", "ping", "tools/list", "resources/list", "resources/templates/list", "prompts/list"}, method) ||
		strings.HasPrefix(method, "notifications/")
}

// methods writes the methods that the rule names.
func (t *acpWriter) methods() []string {
	patterns, ok := t.rule.conditions["mcp_method"]
	switch {
	case !ok && t.rule.effect == "deny":
		return askedMethods()
	case !ok:
		if t.rule.kinds&aboutMethods != 0 {
			t.stricter(t.rule.node.pos, "every method", "calls, reads and prompts: grant other methods as method:NAME")
		}
		return nil
	}
	var out []string
	for _, p := range patterns {
		if methodKinds(p.value)&aboutMethods == 0 {
			continue
		}
		list, exact := names(p.value, t.side())
		t.inexact(p, exact)
		for _, m := range list {
			if discovery(m) && t.rule.effect == "deny" {
				t.stricter(p.pos, "nothing: "+m+" never reaches the policy", "it is denied")
			}
			out = append(out, "method:"+strings.ReplaceAll(strings.ReplaceAll(m, "**", "*"), "*", "**"))
		}
	}
	return out
}

// acpProtocol keeps denied what no rule grants to everybody.
func (r *reader) acpProtocol(root *node, rules []*acpRule) {
	left := slices.DeleteFunc(askedMethods(), func(method string) bool {
		return slices.ContainsFunc(rules, func(c *acpRule) bool {
			return c.effect == "allow" && len(c.conditions) == 1 && slices.ContainsFunc(c.values("mcp_method"), func(p string) bool {
				return fnmatch(p, strings.TrimPrefix(method, "method:"))
			})
		})
	})
	if len(left) == 0 || len(rules) == 0 {
		return
	}
	r.doc.rules = append(r.doc.rules, &rule{
		comment: []string{r.from(root.pos) + ": mcp-acp asks its policy about these, and no rule there allows them to everybody. Without this rule they pass here."},
		id:      r.id("protocol"), effect: "deny", targets: left,
	})
}

// who writes the subjects.
func (t *acpWriter) who() {
	for _, v := range t.rule.conditions["subject_id"] {
		if issuer, id, ok := strings.Cut(v.value, ":"); ok {
			t.remark(v.pos, "the subject %s is read as %s of the issuer %s", show(v.value), show(id), show(issuer))
		}
	}
	t.out.list("subjects", t.rule.values("subject_id"))
}

// what writes operations and side effects, which here are facts about a tool
// and not guesses from its name.
func (t *acpWriter) what() {
	if ops := t.rule.values("operations"); ops != nil {
		t.out.list("ops", acpOps(ops, t.rule.effect))
		if t.options.Known == "" {
			t.guessed(t.rule.at("operations"), "operations")
		}
		now := "what its facts say; " + acpOpsSaid(t.rule.effect)
		t.stricter(t.rule.at("operations"), "what the tool's name suggests", now)
	}
	if effects := t.rule.values("side_effects"); effects != nil {
		t.out.list("side_effects", effects)
		if t.options.Known == "" {
			t.guessed(t.rule.at("side_effects"), "side effects")
		}
		if t.rule.effect == "deny" {
			t.stricter(t.rule.at("side_effects"), "the tools of a built-in table that have one of these, and no unknown tool", "a tool whose side effects nobody states is denied too")
		} else {
			t.stricter(t.rule.at("side_effects"), "a tool that has one of these, whatever else it has", "all that the tool has must be in the list")
		}
	}
}

func (t *acpWriter) guessed(at pos, what string) {
	if t.once("guessed " + what) {
		t.remark(at, "%s of a tool are facts here: import with --known SERVER, or declare them under tools:. A tool without is granted nothing by such a rule", what)
	}
}

// acpOps maps operations. A restriction also covers what does the same by
// another name: a move writes and deletes.
func acpOps(ops []string, effect string) []string {
	to := map[string][]string{"read": {"read", "list"}, "write": {"write", "create"}, "delete": {"delete"}}
	if effect == "deny" {
		to = map[string][]string{"read": {"read", "list", "copy"}, "write": {"write", "create", "move", "copy"}, "delete": {"delete", "move"}}
	}
	var out []string
	for _, o := range ops {
		for _, n := range to[o] {
			if !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	return out
}

func acpOpsSaid(effect string) string {
	if effect == "deny" {
		return "moving and copying count, and so does a tool without facts"
	}
	return "all that it does must be in the list"
}

// approval writes how an approval may stand.
func (t *acpWriter) approval() {
	if t.rule.effect != "hitl" {
		return
	}
	var kept []string
	if t.rule.cache != nil {
		for _, v := range t.rule.cache.items {
			if v.value != "code_exec" {
				kept = append(kept, v.value)
			}
		}
	}
	switch {
	case len(kept) == 0:
		if t.once("cache") {
			t.stricter(t.rule.node.pos, "that an approval of a tool known to have no side effects stands for ten minutes", "every call is asked, here and in the rules below")
		}
	case t.rule.conditions["operations"] == nil:
		t.stricter(t.rule.cache.pos, "that an approval stands for ten minutes where the tool has only "+strings.Join(kept, ", "), "every call is asked: the rule may hold tools that have more")
	default:
		t.out.raw("approval", "{standing: {max: 10m}}")
		t.stricter(t.rule.cache.pos, "that an approval stands for ten minutes for the tool and its path", "for the same arguments only")
	}
}
