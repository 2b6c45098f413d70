package proof

import (
	"slices"
	"strings"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/policy"
)

// Graph is a policy as a picture: who, by which rule, may or may not reach what.
// Every edge goes from one column to the next.
type Graph struct {
	// Callers, Rules and Targets are the columns, in the order of the rules.
	Callers []Node `json:"callers"`
	Rules   []Node `json:"rules"`
	Targets []Node `json:"targets"`
	Edges   []Edge `json:"edges"`
}

// Node is one box. Text is as the policy's author wrote it: a renderer MUST
// escape it.
type Node struct {
	ID   string `json:"id"` // letters and digits, unique in the graph
	Text string `json:"text"`
	// Effect is that of a rule, none for callers and targets.
	Effect access.Effect `json:"effect"`
}

// Edge joins two boxes by their ids.
type Edge struct {
	From   string        `json:"from"`
	To     string        `json:"to"`
	Effect access.Effect `json:"effect"`
}

// Graph draws a policy. The graph is nil where the policy is not valid, and the
// problems say why.
func (b *Bench) Graph() (*Graph, []policy.Problem) {
	_, snapshot, problems := b.decider(b.Sources)
	if snapshot == nil {
		return nil, problems
	}
	g := &Graph{}
	for _, r := range newView(snapshot, b.Sources).rules {
		text := r.ID + ": " + r.Effect.String()
		if r.Template.Name != "" {
			text = r.ID + " from " + r.Template.Name + ": " + r.Effect.String()
		}
		if r.Monitor {
			text += ", only recorded"
		}
		if conditions := conditionText(r); conditions != "" {
			text += " if " + conditions
		}
		rule := Node{ID: "r" + number(len(g.Rules)), Text: text, Effect: r.Effect}
		g.Rules = append(g.Rules, rule)
		g.edge(node(&g.Callers, "c", callerText(r)), rule.ID, r.Effect)
		for _, p := range r.Patterns {
			g.edge(rule.ID, node(&g.Targets, "t", p), r.Effect)
		}
	}
	return g, problems
}

func (g *Graph) edge(from, to string, effect access.Effect) {
	g.Edges = append(g.Edges, Edge{from, to, effect})
}

// node returns the id of the box with this text, which is added if it is new.
func node(column *[]Node, prefix, text string) string {
	i := slices.IndexFunc(*column, func(n Node) bool { return n.Text == text })
	if i < 0 {
		i = len(*column)
		*column = append(*column, Node{ID: prefix + number(i), Text: text})
	}
	return (*column)[i].ID
}

// whoFields are the conditions that name callers.
func whoFields() []string {
	return []string{"subjects", "groups", "roles", "issuers", "tenants", "agents", "clients", "scopes"}
}

// callerText says whom a rule is about.
func callerText(r *writtenRule) string {
	var parts []string
	if r.Layer != "" && r.Layer != "global" {
		parts = append(parts, r.Layer)
	}
	for _, field := range whoFields() {
		if n := r.conditions[field]; n != nil {
			parts = append(parts, field+" "+strings.Join(r.words(n), ", "))
		}
	}
	if len(parts) == 0 {
		return "anyone"
	}
	return strings.Join(parts, "; ")
}

// conditionText names the other conditions of a rule.
func conditionText(r *writtenRule) string {
	var parts []string
	for field, n := range r.conditions {
		if slices.Contains(whoFields(), field) {
			continue
		}
		if field == "args" {
			for _, key := range argNames(n) {
				parts = append(parts, "args."+key.Value)
			}
			continue
		}
		parts = append(parts, field)
	}
	slices.Sort(parts)
	if len(r.unless) > 0 || member(r.node, "unless") != nil {
		parts = append(parts, "unless")
	}
	return strings.Join(parts, ", ")
}
