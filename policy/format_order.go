package policy

import (
	"cmp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// fileOrder is the order of the keys of a file: what it is, what its words
// mean, what holds for all rules, the rules.
func fileOrder() []string {
	return []string{
		"policy", "version", "layer", "backend", "teams", "team_membership", "silent", "observe",
		"define", "tools", "labels", "defaults", "limits", "templates", "rules", "break_glass", "tests",
	}
}

// ruleOrder is the order of the keys of a rule and of an exception: its name,
// its effect, who, what, arguments, places, environment, behaviour,
// expressions, and what follows from a match.
func ruleOrder() []string {
	return []string{
		"id", "use", "with", "mode", "deny", "approve", "allow", "delegate",
		"subjects", "groups", "roles", "scopes", "issuers", "tenants", "agents", "auth", "clients",
		"ops", "side_effects", "labels", "tool_tier", "extensions",
		"args", "unlisted_args", "commands",
		"paths", "from", "to", "urls", "hosts", "ports",
		"time", "network", "device", "integrity",
		"trust", "call_risk", "behavior", "rate", "session",
		"when", "unless",
		"else", "approval", "grants", "liftable", "returns", "add_labels", "notify",
		"message", "remediation", "expires",
	}
}

// rank is the place of a key in an order; unknown keys stand at the end, as
// they were written.
func rank(order []string, key string) int {
	if i := slices.Index(order, key); i >= 0 {
		return i
	}
	return len(order)
}

// ordered calls fn for each mapping whose keys have an order.
func (l *layout) ordered(fn func(n *yaml.Node, order []string)) {
	fn(l.root, fileOrder())
	for i := 0; i+1 < len(l.root.Content); i += 2 {
		for _, rule := range rulesIn(l.root.Content[i].Value, l.root.Content[i+1]) {
			fn(rule, ruleOrder())
			for _, exception := range exceptionsOf(rule) {
				fn(exception, ruleOrder())
			}
		}
	}
}

// rulesIn returns the rules under a key of the file, those of templates too.
func rulesIn(key string, n *yaml.Node) []*yaml.Node {
	switch {
	case key == "rules":
		return n.Content
	case key != "templates" || n.Kind != yaml.MappingNode:
		return nil
	}
	var out []*yaml.Node
	for i := 1; i < len(n.Content); i += 2 {
		if t := n.Content[i]; t.Kind == yaml.MappingNode && valueOf(t, "rule") != nil {
			out = append(out, valueOf(t, "rule"))
		}
	}
	return out
}

// exceptionsOf returns the entries of `unless`.
func exceptionsOf(rule *yaml.Node) []*yaml.Node {
	if rule.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(rule.Content); i += 2 {
		if rule.Content[i].Value == "unless" && rule.Content[i+1].Kind == yaml.SequenceNode {
			return rule.Content[i+1].Content
		}
	}
	return nil
}

// keys returns the keys of a mapping, or nil where it is none.
func (l *layout) keys(n *yaml.Node) []*yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	out := make([]*yaml.Node, 0, len(n.Content)/2)
	for i := 0; i < len(n.Content); i += 2 {
		out = append(out, n.Content[i])
	}
	return out
}

// inRank reports whether keys stand in their order.
func inRank(keys []*yaml.Node, order []string) bool {
	return slices.IsSortedFunc(keys, func(a, b *yaml.Node) int { return rank(order, a.Value) - rank(order, b.Value) })
}

// reordered moves the lines of every block mapping that is out of order, from
// the end of the file: what stands above keeps its lines, and what is around
// another mapping comes after it.
func reordered(l *layout) {
	type mapping struct {
		node  *yaml.Node
		order []string
	}
	var found []mapping
	l.ordered(func(n *yaml.Node, order []string) {
		if n.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle == 0 && !inRank(l.keys(n), order) {
			found = append(found, mapping{n, order})
		}
	})
	slices.SortStableFunc(found, func(a, b mapping) int {
		return cmp.Or(cmp.Compare(b.node.Line, a.node.Line), cmp.Compare(b.node.Column, a.node.Column))
	})
	for _, m := range found {
		l.reorder(m.node, m.order)
	}
}

// reorder moves the lines of one block mapping.
func (l *layout) reorder(n *yaml.Node, order []string) {
	keys := l.keys(n)
	indent := keys[0].Column - 1
	first := keys[0].Line - 1
	if len([]rune(l.lines[first])) < indent {
		return
	}
	dash := string([]rune(l.lines[first])[:indent])
	starts := []int{first}
	for _, k := range keys[1:] {
		starts = append(starts, l.withComments(k.Line-1, indent))
	}
	starts = append(starts, l.end(starts[len(starts)-1], indent))
	type chunk struct {
		key   *yaml.Node
		lines []string
	}
	chunks := make([]chunk, len(keys))
	for i, k := range keys {
		chunks[i] = chunk{k, slices.Clone(l.lines[starts[i]:starts[i+1]])}
	}
	chunks[0].lines[0] = strings.Repeat(" ", indent) + chunks[0].lines[0][len(dash):]
	slices.SortStableFunc(chunks, func(a, b chunk) int { return rank(order, a.key.Value) - rank(order, b.key.Value) })
	var out []string
	for i, c := range chunks {
		if i == 0 {
			for j, line := range c.lines {
				text := strings.TrimLeft(line, " ")
				if text != "" && text[0] != '#' {
					c.lines[j] = dash + line[indent:]
					break
				}
				// The comments of the first key are those of the whole.
				c.lines[j] = dash[:len(dash)-len(strings.TrimLeft(dash, " "))] + text
			}
		}
		out = append(out, c.lines...)
	}
	l.lines = slices.Replace(l.lines, starts[0], starts[len(starts)-1], out...)
}

// withComments returns the first of the comment lines that stand directly above
// a key, as far in as it.
func (l *layout) withComments(line, indent int) int {
	for line > 0 && strings.HasPrefix(l.lines[line-1], strings.Repeat(" ", indent)+"#") {
		line--
	}
	return line
}

// end returns the line behind the value of the last key: the next line that is
// not further in, without the empty lines and comments in front of it.
func (l *layout) end(from, indent int) int {
	line := from
	for line < len(l.lines) && strings.HasPrefix(l.lines[line], strings.Repeat(" ", indent)+"#") {
		line++ // the comments of the key
	}
	last := line
	for line++; line < len(l.lines); line++ {
		text := strings.TrimLeft(l.lines[line], " ")
		in := len(l.lines[line]) - len(text)
		switch {
		case text == "" || text[0] == '#':
			continue
		case in < indent, in == indent && text[0] != '-' && !strings.HasPrefix(text, "]") && !strings.HasPrefix(text, "}"):
			return last + 1
		}
		last = line
	}
	return last + 1
}
