package importer

import (
	"regexp"
	"strings"
	"sync"
)

// zeroTrust reads a policy of zero-trust-mcp: exact tool names, deny rules
// before allow rules, constraints on the arguments of what is allowed.
func (r *reader) zeroTrust(root *node) {
	r.keys(root, "a policy", "policy_id", "version", "default", "allow_rules", "deny_rules")
	r.doc.head = r.head()
	r.doc.backendComment = "the server whose tools these are"
	if root.get("policy_id") == nil {
		r.err(root.pos, "the policy has no policy_id")
	}
	r.doc.name = r.text(root.get("policy_id"), "policy_id")
	r.doc.version = r.word(present(root.get("version")), "version")
	r.zeroTrustDefault(root.get("default"))
	for _, n := range r.list(present(root.get("deny_rules")), "deny_rules") {
		r.zeroTrustDeny(n)
	}
	for _, n := range r.list(present(root.get("allow_rules")), "allow_rules") {
		r.zeroTrustAllow(n)
	}
}

// present makes null a key that is not there, as the original reads it.
func present(n *node) *node {
	if n != nil && n.kind == null {
		return nil
	}
	return n
}

func (r *reader) zeroTrustDefault(n *node) {
	switch s := r.text(n, "default"); {
	case s == "allow":
		r.stricter(n.pos, "that what no rule matches is allowed, a failing constraint included", "it is denied: allow what is wanted by name")
	case s != "" && s != "deny":
		r.remark(n.pos, "default is allow or deny; %s is read as deny, as the original reads it", show(s))
	}
}

// plainName matches names of tools that stand for themselves in a pattern.
var plainName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_-]+$`) })

// tool writes the pattern for tools of the backend with this name.
func (r *reader) tool(name string) string {
	if plainName().MatchString(strings.ReplaceAll(name, "*", "")) && name != "" {
		return name
	}
	return r.options.Backend + "." + name
}

// zeroTrustTool reads the name of a tool. In the original a star is a
// character as any other, which no tool's name has.
func (r *reader) zeroTrustTool(rule *node) string {
	n := rule.get("tool")
	if n == nil {
		r.err(rule.pos, "the rule names no tool")
	}
	return r.text(n, "tool")
}

func (r *reader) zeroTrustDeny(n *node) {
	if !r.keys(n, "a deny rule", "tool", "condition", "reason", "description") {
		return
	}
	tool := r.zeroTrustTool(n)
	if n.get("reason") == nil {
		r.err(n.pos, "the deny rule has no reason")
	}
	out := &rule{id: r.id("deny-" + tool), effect: "deny", targets: []string{r.tool(tool)}}
	out.comment = r.origins(n, r.text(present(n.get("description")), "description"))
	if strings.Contains(tool, "*") {
		r.stricter(n.get("tool").pos, "only a tool whose name is "+show(tool)+" to the letter, which there is none of", "a * is any run of characters")
		if tool == "*" {
			out.targets = []string{"*"}
		}
	}
	condition := present(n.get("condition"))
	if condition != nil && condition.kind != object {
		r.err(condition.pos, "condition is written as keys with values")
		return
	}
	if condition != nil && len(condition.fields) > 0 {
		p := part{key: "args"}
		for _, f := range condition.fields {
			p.lines = append(p.lines, line{key: r.argPath(f), text: r.equality(f)})
		}
		out.parts = append(out.parts, p)
	}
	if reason := r.text(n.get("reason"), "reason"); reason != "" {
		out.raw("message", quote(reason))
	}
	r.doc.rules = append(r.doc.rules, out)
}

// origins says in a comment where a rule comes from.
func (r *reader) origins(n *node, description string) []string {
	c := r.from(n.pos)
	if description != "" {
		c += ": " + description
	}
	return []string{c}
}

// equality writes the condition of a deny rule: an argument with this value.
// Text is denied in any case, and a value of another type is unknown, which
// denies; an argument that is missing denies nothing, as in the original.
func (r *reader) equality(f field) string {
	v := f.node
	switch v.kind {
	case text:
		r.stricter(f.pos, show(v.value)+" in exactly these letters", "upper and lower case are one, and a value that is no text is denied; a call without "+f.name+" still is not (missing: skip)")
		return "{pattern: " + quote("(?i)^"+regexp.QuoteMeta(v.value)+"$") + ", missing: skip}"
	case list, object:
		r.stricter(f.pos, "one certain value", "any value of "+f.name+" is denied: lists and objects are not compared here")
		return "{type: [string, number, boolean, array, object, null], missing: skip}"
	default:
		r.stricter(f.pos, "the value "+v.scalar(), "a value of another type is denied too; a call without "+f.name+" still is not (missing: skip)")
		return "{enum: [" + v.scalar() + "], missing: skip}"
	}
}

// argPath writes the name of an argument as a path.
func (r *reader) argPath(f field) string {
	switch {
	case f.name == "" || strings.Contains(f.name, `"`):
		r.err(f.pos, "%s cannot be the name of an argument here", show(f.name))
	case strings.ContainsAny(f.name, ".[]"):
		return `["` + f.name + `"]`
	}
	return f.name
}

func (r *reader) zeroTrustAllow(n *node) {
	if !r.keys(n, "an allow rule", "tool", "constraints", "description") {
		return
	}
	tool := r.zeroTrustTool(n)
	if strings.Contains(tool, "*") {
		r.remark(n.get("tool").pos, "%s is no pattern in the original, so the rule matched no tool; it is left out. Write the tools or a native pattern", show(tool))
		return
	}
	out := &rule{id: r.id("allow-" + tool), effect: "allow", targets: []string{r.tool(tool)}}
	out.comment = r.origins(n, r.text(present(n.get("description")), "description"))
	constraints := present(n.get("constraints"))
	if constraints != nil && constraints.kind != object {
		r.err(constraints.pos, "constraints are written as keys with values")
		return
	}
	if constraints == nil || len(constraints.fields) == 0 {
		r.stricter(n.pos, "any arguments at all", "those that the tool's schema declares, where it has one")
		r.doc.rules = append(r.doc.rules, out)
		return
	}
	p, possible := part{key: "args"}, true
	for _, f := range constraints.fields {
		l, ok := r.constraint(f)
		p.lines = append(p.lines, l)
		possible = possible && ok
	}
	r.stricter(n.keyAt("constraints"), "that arguments which the rule does not name pass", "an argument must be named here or declared by the tool's schema")
	out.parts = append(out.parts, p)
	if possible {
		r.doc.rules = append(r.doc.rules, out)
	}
}
