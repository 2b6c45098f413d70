package importer

import (
	"slices"
	"strings"
)

// acpRule is one rule of mcp-acp as it was read.
type acpRule struct {
	node        *node
	id, effect  string
	description string
	// conditions holds the entries of each condition that is there; an empty
	// list never matches.
	conditions map[string][]*node
	cache      *node
	kinds      kinds
}

// mcpACP reads a policy of mcp-acp: conditions on tools, paths, operations and
// subjects, where what asks a person goes before what denies.
func (r *reader) mcpACP(root *node) {
	r.keys(root, "a policy", "version", "default_action", "rules")
	r.doc.head = r.head()
	r.doc.name, r.doc.version = r.baseName(), r.word(root.get("version"), "version")
	r.doc.backendComment = "the server behind this proxy"
	r.choice(root.get("default_action"), "default_action", "deny")
	if r.options.Known != "" {
		r.doc.tools = []fact{{r.options.Backend, "{known: " + quote(r.options.Known) + "}"}}
	}
	var rules []*acpRule
	for _, n := range r.list(root.get("rules"), "rules") {
		if c := r.acpRule(n); c != nil {
			rules = append(rules, c)
		}
	}
	r.acpIDs(rules)
	if r.refused() {
		return
	}
	for _, c := range rules {
		r.acpPrecedence(c, rules)
		r.acpConvert(c, rules)
	}
	r.acpProtocol(root, rules)
	if len(rules) > 1 {
		r.remark(root.pos, "where several rules match, the one that is named is found in another way (exact names, longest prefix, number of conditions, id): this changes no outcome")
	}
}

// baseName is the name of the source without folders and ending.
func (r *reader) baseName() string {
	name, _, _ := strings.Cut(r.short(), ".")
	if name = strings.Trim(notInID().ReplaceAllString(name, "-"), "-"); name == "" {
		return "imported"
	}
	return name
}

func acpConditions() []string {
	return []string{
		"tool_name", "path_pattern", "source_path", "dest_path", "operations", "extension", "scheme", "backend_id",
		"resource_type", "mcp_method", "subject_id", "side_effects",
	}
}

// acpRule reads and checks a rule as the original does.
func (r *reader) acpRule(n *node) *acpRule {
	if !r.keys(n, "a rule", "id", "description", "effect", "conditions", "cache_side_effects") {
		return nil
	}
	c := &acpRule{node: n, conditions: map[string][]*node{}, cache: present(n.get("cache_side_effects"))}
	c.id = r.text(present(n.get("id")), "an id")
	c.description = r.text(present(n.get("description")), "a description")
	if n.get("effect") == nil {
		r.err(n.pos, "the rule has no effect: allow, deny or hitl")
	}
	c.effect = r.choice(n.get("effect"), "effect", "allow", "deny", "hitl")
	conditions := n.get("conditions")
	if conditions != nil && !r.keys(conditions, "conditions", acpConditions()...) {
		return nil
	}
	for _, name := range acpConditions() {
		if v := present(conditionOf(conditions, name)); v != nil {
			c.conditions[name] = r.acpEntries(v, name)
		}
	}
	if len(c.conditions) == 0 {
		r.err(n.pos, "the rule has no conditions, and would match everything")
	}
	if c.cache != nil && c.effect != "hitl" {
		r.err(c.cache.pos, "cache_side_effects belongs to a rule whose effect is hitl")
	}
	r.acpWords(c)
	return c
}

func conditionOf(n *node, name string) *node {
	if n == nil {
		return nil
	}
	return n.get(name)
}

// acpEntries returns one or several texts. operations and side_effects are
// lists, resource_type is one word.
func (r *reader) acpEntries(v *node, name string) []*node {
	if name == "resource_type" && v.kind == list {
		r.err(v.pos, "resource_type is one word")
	}
	one := name != "operations" && name != "side_effects"
	return r.texts(v, name, one)
}

// acpWords checks the words of the dialect.
func (r *reader) acpWords(c *acpRule) {
	known := map[string][]string{
		"operations":    {"read", "write", "delete"},
		"side_effects":  acpSideEffects(),
		"resource_type": {"tool", "resource", "prompt", "server"},
	}
	for name, words := range known {
		for _, v := range c.conditions[name] {
			if !slices.Contains(words, v.value) {
				r.err(v.pos, "%s is not one of %s%s", show(v.value), strings.Join(words, ", "), didYouMean(v.value, words))
			}
		}
	}
	for _, v := range r.texts(c.cache, "cache_side_effects", false) {
		if words := acpSideEffects(); !slices.Contains(words, v.value) {
			r.err(v.pos, "%s is not a side effect%s", show(v.value), didYouMean(v.value, words))
		}
	}
	for _, v := range c.conditions["subject_id"] {
		if strings.Contains(v.value, "*") {
			r.err(v.pos, "the subject %s holds a *, which is a pattern here", show(v.value))
		}
	}
	c.kinds = r.acpKinds(c)
}

func acpSideEffects() []string {
	return []string{
		"fs_read", "fs_write", "db_read", "db_write", "network_egress", "network_ingress", "code_exec", "process_spawn",
		"sudo_elevate", "secrets_read", "env_read", "keychain_read", "clipboard_read", "clipboard_write", "browser_open",
		"screen_capture", "audio_capture", "camera_capture", "cloud_api", "container_exec", "email_send",
	}
}

// acpConvert writes a rule.
func (r *reader) acpConvert(c *acpRule, rules []*acpRule) {
	out := &rule{id: r.id(c.id), effect: map[string]string{"allow": "allow", "deny": "deny", "hitl": "approve"}[c.effect]}
	out.comment = r.origins(c.node, c.description)
	if out.id != c.id {
		r.remark(c.node.pos, "the id %s is written %s", show(c.id), out.id)
	}
	for _, name := range acpConditions() {
		if v, ok := c.conditions[name]; ok && len(v) == 0 {
			r.remark(c.node.pos, "%s is an empty list, which nothing matches: rule %s is left out", name, out.id)
			return
		}
	}
	t := &acpWriter{reader: r, rule: c, out: out, all: rules}
	t.targets()
	t.who()
	t.what()
	t.places()
	t.approval()
	if t.never != "" {
		r.stricter(c.node.pos, "rule "+out.id+" as written", "it is left out: "+t.never)
		return
	}
	if t.broader && c.effect == "hitl" {
		out.raw("grants", "false")
	}
	r.doc.rules = append(r.doc.rules, out)
}

// acpWriter writes one rule.
type acpWriter struct {
	*reader
	rule *acpRule
	out  *rule
	all  []*acpRule
	// broader: some condition covers more than the original, so that the rule
	// may hold but not grant. never: why the rule cannot be written at all.
	broader bool
	never   string
}

// side is the direction in which this rule may err.
func (t *acpWriter) side() side {
	if t.rule.effect == "deny" {
		return covers
	}
	return within
}

// values returns the texts of a condition.
func (c *acpRule) values(name string) []string {
	var out []string
	for _, v := range c.conditions[name] {
		out = append(out, v.value)
	}
	return out
}

func (c *acpRule) at(name string) pos {
	if v := conditionOf(c.node.get("conditions"), name); v != nil {
		return v.pos
	}
	return c.node.pos
}
