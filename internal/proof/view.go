package proof

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/pdp"
	"github.com/custos-zt/custos/policy"
)

// view is a policy as it was written, with every place: what its snapshot no
// longer says. It is made of sources that compile.
type view struct {
	snapshot *pdp.Snapshot
	rules    []*writtenRule
}

// writtenRule is one rule with its conditions as nodes.
type writtenRule struct {
	pdp.RuleInfo
	file     string
	node     *yaml.Node
	define   *yaml.Node
	patterns []pattern
	// conditions are those that must hold, by field.
	conditions map[string]*yaml.Node
	unless     []map[string]*yaml.Node
	// conditional says that the rule only records, ends, or can be lifted: it
	// proves nothing about another.
	conditional bool
}

// newView reads the sources again, which MUST compile to the snapshot.
func newView(s *pdp.Snapshot, sources []policy.Source) *view {
	v := &view{snapshot: s}
	for _, src := range sources {
		root, _ := policy.Expand(src)
		rules := member(root, "rules")
		if rules == nil {
			continue
		}
		for _, n := range rules.Content {
			id := member(n, "id")
			if id == nil {
				continue
			}
			info, ok := s.Rule(id.Value)
			if !ok {
				continue
			}
			v.rules = append(v.rules, newWrittenRule(info, src.Name, n, member(root, "define")))
		}
	}
	return v
}

func newWrittenRule(info pdp.RuleInfo, file string, n, define *yaml.Node) *writtenRule {
	r := &writtenRule{RuleInfo: info, file: file, node: n, define: define}
	for _, p := range info.Patterns {
		r.patterns = append(r.patterns, parsePattern(p))
	}
	r.conditions = conditionsOf(n, member(n, "delegate") != nil)
	if unless := member(n, "unless"); unless != nil {
		if unless.Kind != yaml.SequenceNode {
			r.conditional = true
		}
		for _, entry := range unless.Content {
			r.unless = append(r.unless, conditionsOf(entry, false))
		}
	}
	r.conditional = r.conditional || r.Monitor || member(n, "expires") != nil || member(n, "liftable") != nil
	return r
}

// conditionsOf returns the conditions of a rule or an exception by field.
func conditionsOf(n *yaml.Node, delegates bool) map[string]*yaml.Node {
	out := map[string]*yaml.Node{}
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		key := n.Content[i].Value
		if !slices.Contains(ruleOptions(), key) && (!delegates || key != "to") {
			out[key] = n.Content[i+1]
		}
	}
	return out
}

// words returns the entries of a list, with $names replaced.
func (r *writtenRule) words(n *yaml.Node) []string {
	var out []string
	switch {
	case n == nil:
	case n.Kind == yaml.SequenceNode:
		for _, c := range n.Content {
			out = append(out, r.words(c)...)
		}
	case n.Kind == yaml.ScalarNode && strings.HasPrefix(n.Value, "$"):
		return r.words(member(r.define, n.Value[1:]))
	case n.Kind == yaml.ScalarNode:
		out = append(out, n.Value)
	}
	return out
}

// places returns the parts of a place condition.
func (r *writtenRule) places(n *yaml.Node) (match, except []string, none bool) {
	if n.Kind != yaml.MappingNode {
		return r.words(n), nil, false
	}
	match = append(r.words(member(n, "all")), r.words(member(n, "any"))...)
	return match, r.words(member(n, "except")), member(n, "none") != nil
}

// pattern is one pattern of a rule, taken apart.
type pattern struct {
	everything    bool
	kind          access.Kind
	backend, name string
}

// parsePattern reads the full form of a pattern, as a snapshot gives it.
func parsePattern(full string) pattern {
	if full == "*" {
		return pattern{everything: true}
	}
	p := pattern{kind: access.Tool}
	rest := full
	for kind, prefix := range map[access.Kind]string{access.Method: "method:", access.Resource: "resource:", access.Prompt: "prompt:"} {
		if tail, ok := strings.CutPrefix(full, prefix); ok {
			p.kind, rest = kind, tail
		}
	}
	if p.kind == access.Method {
		p.name = rest
		return p
	}
	p.backend, p.name, _ = strings.Cut(rest, ".")
	return p
}

// anyRun stands for whatever a `*` may match: no name holds it.
const anyRun = "\x01"

// covers reports whether every name that q matches is one that p matches. It
// never says so wrongly; it may not see that it is so.
func (p pattern) covers(q pattern) bool {
	switch {
	case p.everything:
		return true
	case q.everything || p.kind != q.kind:
		return false
	}
	backend, name := pdp.ParseName(access.Tool, p.backend), pdp.ParseName(p.kind, p.name)
	if p.kind != access.Method && !backend.Matches(strings.ReplaceAll(q.backend, "*", anyRun)) {
		return false
	}
	if p.kind == access.Resource || p.kind == access.Method {
		// A run may cross segments there: only what is equal, exact or all.
		return p.name == q.name || p.name == "**" || !strings.Contains(q.name, "*") && name.Matches(q.name)
	}
	return name.Matches(strings.ReplaceAll(q.name, "*", anyRun))
}

// exact reports whether the pattern names one tool, resource or prompt.
func (p pattern) exact() bool {
	return !p.everything && !strings.Contains(p.backend+p.name, "*")
}

// matches reports whether the pattern covers a tool.
func (p pattern) matches(backend, tool string) bool {
	return p.covers(pattern{kind: access.Tool, backend: backend, name: tool})
}

// coveredBy reports whether one of the patterns of s covers each of r.
func (r *writtenRule) coveredBy(s *writtenRule) bool {
	for _, q := range r.patterns {
		if !slices.ContainsFunc(s.patterns, func(p pattern) bool { return p.covers(q) }) {
			return false
		}
	}
	return len(r.patterns) > 0
}

// alike reports whether two nodes hold the same.
func alike(a, b *yaml.Node) bool {
	if a == nil || b == nil {
		return a == b
	}
	if a.Kind != b.Kind || a.Kind == yaml.ScalarNode && (a.ShortTag() != b.ShortTag() || a.Value != b.Value) || len(a.Content) != len(b.Content) {
		return false
	}
	for i := range a.Content {
		if !alike(a.Content[i], b.Content[i]) {
			return false
		}
	}
	return true
}
