package proof

import (
	"fmt"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// effects are the words that begin the patterns of a rule.
func effects() []string { return []string{"allow", "approve", "deny", "delegate"} }

// ruleOptions are the keys of a rule that are no conditions.
func ruleOptions() []string {
	return append(effects(), "id", "unless", "approval", "grants", "else", "mode", "returns", "message", "remediation",
		"liftable", "add_labels", "notify", "expires")
}

// editor collects the mistakes that can be made in one file.
type editor struct {
	out  []edit
	rule string
	// defined says what the lists under `define` are used as.
	defined map[string]kind
}

// edits lists every mistake of every operator for a policy file.
func edits(root *yaml.Node) []edit {
	e := &editor{defined: map[string]kind{}}
	if rules := member(root, "rules"); rules != nil {
		for i, rule := range rules.Content {
			e.ruleEdits(rules, i, rule)
		}
	}
	e.rule = ""
	if limits := member(root, "limits"); limits != nil {
		for _, l := range limits.Content {
			if tools := member(l, "tools"); tools != nil {
				e.globs(tools, kindTarget)
			}
			e.bounds(l)
		}
	}
	e.definitions(member(root, "define"))
	return e.out
}

// add notes a mistake. where is the node whose line the report names.
func (e *editor) add(operator string, where, target *yaml.Node, change func(*yaml.Node), format string, args ...any) {
	e.out = append(e.out, edit{operator, e.rule, where.Line, fmt.Sprintf(format, args...), target, change})
}

func (e *editor) ruleEdits(rules *yaml.Node, i int, rule *yaml.Node) {
	e.rule = ""
	if id := member(rule, "id"); id != nil {
		e.rule = id.Value
	}
	if member(rule, "deny") != nil {
		e.add("drop-deny", rule, rules, func(n *yaml.Node) { n.Content = slices.Delete(n.Content, i, i+1) }, "the rule was removed")
	}
	for _, effect := range effects() {
		if patterns := member(rule, effect); patterns != nil {
			e.globs(patterns, kindTarget)
			e.flip(rule, effect)
		}
	}
	e.conditions(rule, member(rule, "delegate") != nil)
	unless := member(rule, "unless")
	if unless == nil {
		return
	}
	e.dropKey("drop-condition", rule, "unless", "unless")
	if unless.Kind != yaml.SequenceNode {
		return
	}
	for k, entry := range unless.Content {
		if len(unless.Content) > 1 {
			e.add("drop-condition", entry, unless, func(n *yaml.Node) { n.Content = slices.Delete(n.Content, k, k+1) }, "exception %d was removed", k+1)
		}
		e.conditions(entry, false)
	}
}

// dropKey removes a key of a mapping.
func (e *editor) dropKey(operator string, n *yaml.Node, key, what string) {
	i := memberAt(n, key)
	e.add(operator, n.Content[i], n, func(n *yaml.Node) { n.Content = slices.Delete(n.Content, i, i+2) }, "%s was removed", what)
}

// conditions makes mistakes in the conditions of a rule or an exception.
func (e *editor) conditions(n *yaml.Node, delegates bool) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i].Value, n.Content[i+1]
		if slices.Contains(ruleOptions(), key) || delegates && key == "to" {
			continue
		}
		e.condition(n, key, value)
	}
}

func (e *editor) condition(n *yaml.Node, key string, value *yaml.Node) {
	if key == "args" && value.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(value.Content); i += 2 {
			name := value.Content[i].Value
			if len(value.Content) == 2 {
				e.dropKey("drop-argument", n, key, "args."+name)
			} else {
				e.dropKey("drop-argument", value, name, "args."+name)
			}
		}
		e.bounds(value)
		return
	}
	e.dropKey("drop-condition", n, key, key)
	if k, ok := kinds()[key]; ok {
		e.placed(key, value, k)
		return
	}
	if value.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(value.Content) && len(value.Content) > 2; i += 2 {
			e.dropKey("drop-condition", value, value.Content[i].Value, key+"."+value.Content[i].Value)
		}
	}
	e.bound(key, value)
	e.bounds(value)
}

// placed makes mistakes in a list of patterns, or {all|any, except, none}.
func (e *editor) placed(key string, value *yaml.Node, k kind) {
	if value.Kind != yaml.MappingNode {
		e.globs(value, k)
		return
	}
	for i := 0; i+1 < len(value.Content); i += 2 {
		switch part := value.Content[i].Value; part {
		case "except", "none":
			e.dropKey("drop-condition", value, part, key+"."+part)
		}
		if value.Content[i].Value != "none" {
			e.globs(value.Content[i+1], k)
		}
	}
}

// flip gives a rule another effect, without the options that it then cannot
// have.
func (e *editor) flip(rule *yaml.Node, effect string) {
	to := map[string]string{"allow": "deny", "approve": "allow", "deny": "allow", "delegate": "deny"}[effect]
	lost := map[string][]string{
		"allow": {"else", "approval", "rate", "unlisted_args"}, "approve": {"grants"}, "delegate": {"to"}, "deny": {"liftable"},
	}[effect]
	e.add("flip-effect", rule, rule, func(n *yaml.Node) {
		i := memberAt(n, effect)
		key, patterns := *n.Content[i], *n.Content[i+1]
		key.Value = to
		if to == "allow" {
			patterns = everyTool(patterns)
		}
		n.Content[i], n.Content[i+1] = &key, &patterns
		for _, l := range lost {
			if i := memberAt(n, l); i >= 0 {
				n.Content = slices.Delete(n.Content, i, i+2)
			}
		}
	}, "%s became %s", effect, to)
}

// everyTool writes "*", which only a deny may say, as what an allow says.
func everyTool(patterns yaml.Node) yaml.Node {
	out := patterns
	out.Content = nil
	for _, c := range patterns.Content {
		if c.Value == "*" {
			c = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "*.*", Style: yaml.DoubleQuotedStyle, Line: c.Line, Column: c.Column}
		}
		out.Content = append(out.Content, c)
	}
	if out.Kind == yaml.ScalarNode && out.Value == "*" {
		out.Value = "*.*"
	}
	return out
}

// definitions widens the entries of the lists that rules use as patterns.
func (e *editor) definitions(define *yaml.Node) {
	for done := map[string]bool{}; define != nil; {
		name, found := "", false
		for n := range e.defined {
			if !done[n] && (!found || n < name) {
				name, found = n, true
			}
		}
		if !found {
			return
		}
		done[name] = true
		if list := member(define, name); list != nil {
			e.globs(list, e.defined[name])
		}
	}
}

// globs widens each pattern of a list.
func (e *editor) globs(n *yaml.Node, k kind) {
	nodes := n.Content
	if n.Kind == yaml.ScalarNode {
		nodes = []*yaml.Node{n}
	}
	for _, c := range nodes {
		if c.Kind != yaml.ScalarNode {
			continue
		}
		if len(c.Value) > 1 && c.Value[0] == '$' {
			if _, seen := e.defined[c.Value[1:]]; !seen {
				e.defined[c.Value[1:]] = k
			}
			continue
		}
		if wider := widen(c.Value, k); wider != "" && wider != c.Value {
			e.add("widen-glob", c, c, func(n *yaml.Node) { n.Value, n.Style = wider, yaml.DoubleQuotedStyle },
				"%s became %s", strconv.Quote(c.Value), strconv.Quote(wider))
		}
	}
}
