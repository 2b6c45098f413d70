package importer

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// os371 reads the two kinds of policy of 371OS: access policies (effect,
// actions, resources, conditions) and policies between services.
func (r *reader) os371(root *node) {
	r.keys(root, "the file", "policy", "service_policies")
	r.doc.head = r.head()
	r.doc.name, r.doc.backend = r.baseName(), ""
	if len(root.fields) == 0 {
		r.err(root.pos, "the file has neither a policy nor service_policies")
	}
	if p := root.get("policy"); p != nil {
		r.doc.backend, r.doc.backendComment = r.options.Backend, "the server that serves these resources"
		if r.options.Known != "" {
			r.doc.tools = []fact{{r.options.Backend, "{known: " + quote(r.options.Known) + "}"}}
		}
		r.os371Access(p)
	}
	for _, n := range r.list(root.get("service_policies"), "service_policies") {
		r.os371Service(n)
	}
}

// os371Access reads an access policy.
func (r *reader) os371Access(p *node) {
	if !r.keys(p, "a policy", "name", "description", "version", "rules") {
		return
	}
	if p.get("name") == nil {
		r.err(p.pos, "the policy has no name")
	} else {
		r.doc.name = r.text(p.get("name"), "the name of the policy")
	}
	r.doc.version = r.word(p.get("version"), "version")
	if d := r.text(p.get("description"), "description"); d != "" {
		r.doc.head = append(r.doc.head, d)
	}
	for i, n := range r.list(p.get("rules"), "rules") {
		if i == 0 {
			r.remark(n.pos, "resources are relative there; here they are read as URIs of %s, and as paths below %s for its tools (--root DIR names another directory)", r.options.Backend, r.root()+"/")
		}
		r.os371Rule(n)
	}
}

func (r *reader) root() string { return strings.TrimRight(r.options.Root, "/") }

// os371Rule writes a rule as two: one for the resources of the server, which
// can only be read, and one for its tools.
func (r *reader) os371Rule(n *node) {
	if !r.keys(n, "a rule", "effect", "actions", "resources", "conditions", "description") {
		return
	}
	for _, key := range []string{"effect", "actions", "resources"} {
		if n.get(key) == nil {
			r.err(n.pos, "the rule has no %s", key)
		}
	}
	effect := r.choice(n.get("effect"), "effect", "allow", "deny")
	actions := r.texts(n.get("actions"), "actions", true)
	resources := r.texts(n.get("resources"), "resources", true)
	ops, reads := r.os371Ops(actions, effect)
	conditions := r.os371Conditions(n.get("conditions"), effect)
	for _, g := range resources {
		r.os371Glob(g)
	}
	if r.refused() || len(ops) == 0 || len(resources) == 0 {
		return
	}
	comment := r.origins(n, r.text(n.get("description"), "description"))
	id := plainID(effect + "-" + resources[0].value)
	if reads {
		out := &rule{comment: comment, id: r.id(id), effect: effect, parts: conditions}
		for _, g := range resources {
			out.targets = append(out.targets, r.os371URIs(g, effect)...)
		}
		r.doc.rules = append(r.doc.rules, out)
		comment = []string{r.from(n.pos) + ": the same through tools"}
	}
	out := &rule{comment: comment, id: r.id(id + "-tools"), effect: effect, targets: []string{r.options.Backend + ".*"}}
	out.list("ops", ops)
	var paths []string
	for _, g := range resources {
		paths = append(paths, r.os371Paths(g, effect)...)
	}
	out.list("paths", paths)
	out.parts = append(out.parts, conditions...)
	r.doc.rules = append(r.doc.rules, out)
}

// os371Ops maps actions. A restriction also covers what does the same by
// another name. reads says whether reading a resource is meant.
func (r *reader) os371Ops(actions []*node, effect string) (ops []string, reads bool) {
	to := map[string][]string{
		"read": {"read"}, "list": {"list"}, "write": {"write", "create"}, "update": {"write"}, "create": {"create"},
		"delete": {"delete"}, "execute": {"execute"}, "*": {"read", "list", "write", "create", "delete", "move", "copy", "execute"},
	}
	if effect == "deny" {
		to["read"] = []string{"read", "list", "copy"}
		to["write"] = []string{"write", "create", "move", "copy"}
		to["delete"] = []string{"delete", "move"}
	}
	known := []string{"read", "list", "write", "update", "create", "delete", "execute", "*"}
	for _, a := range actions {
		if to[a.value] == nil {
			r.err(a.pos, "%s is not an action: %s%s", show(a.value), strings.Join(known, ", "), didYouMean(a.value, known))
		}
		reads = reads || a.value == "read" || a.value == "*"
		for _, o := range to[a.value] {
			if !slices.Contains(ops, o) {
				ops = append(ops, o)
			}
		}
		if effect == "deny" && len(to[a.value]) > 1 && a.value != "*" {
			r.stricter(a.pos, "the action "+a.value, strings.Join(to[a.value], ", ")+", and a tool without facts")
		}
	}
	return ops, reads
}

var goodResource = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[^\\{}\[\]]+$`) })

// os371Glob checks a resource glob and writes it without its first slash.
func (r *reader) os371Glob(g *node) string {
	s := strings.TrimPrefix(g.value, "/")
	if !goodResource().MatchString(s) || asPattern(acpPath("/"+s)) == "" {
		r.err(g.pos, "the resource %s cannot be written: use names, * and ** between single slashes", show(g.value))
		return ""
	}
	return strings.TrimRight(s, "/")
}

// os371URIs writes the resources of the server that a glob names.
func (r *reader) os371URIs(g *node, effect string) []string {
	s := r.os371Glob(g)
	if strings.Contains(s, "?") {
		r.stricter(g.pos, "? as one character", "names of resources know no ?: on a denial it is *, on a grant it is no wildcard")
		if effect == "deny" {
			s = strings.ReplaceAll(s, "?", "*")
		}
	}
	if effect == "allow" {
		return []string{"resource:" + r.options.Backend + "." + s}
	}
	if strings.HasSuffix(s, "/*") {
		s += "*"
		r.stricter(g.pos, "what stands directly in "+strings.TrimSuffix(s, "/**"), "everything below it, at any depth and wherever it stands")
	}
	return []string{"resource:*." + s, "resource:*.**/" + s}
}

// os371Paths writes the paths that a glob names. What grants stands below the
// root; what denies may stand anywhere.
func (r *reader) os371Paths(g *node, effect string) []string {
	s := r.os371Glob(g)
	if effect == "allow" {
		return []string{r.root() + "/" + s}
	}
	if strings.HasSuffix(s, "/*") {
		s += "*"
	}
	return []string{"**/" + s}
}
