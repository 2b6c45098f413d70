package policy

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/pdp"
)

// condition is one field of a rule that must hold.
type condition struct {
	name  string
	group pdp.Group
	read  func(*reader, field, place) []pdp.Op
}

// place says where a condition stands, and so how it will be read.
type place struct {
	effect    access.Effect
	exception bool // in `unless`
}

// allConditions lists every condition of the language: one line each, the rest
// of it in its own file.
func allConditions() []condition {
	return []condition{
		{"subjects", pdp.GroupWho, readSubjects},
		{"groups", pdp.GroupWho, readGroups},
		{"roles", pdp.GroupWho, readRoles},
		{"issuers", pdp.GroupWho, readIssuers},
		{"tenants", pdp.GroupWho, readTenants},
		{"clients", pdp.GroupWho, readClients},
		{"agents", pdp.GroupWho, readAgents},
		{"ops", pdp.GroupWhat, readOps},
		{"side_effects", pdp.GroupWhat, readSideEffects},
		{"labels", pdp.GroupWhat, readLabels},
		{"tool_tier", pdp.GroupWhat, readTier},
		{"args", pdp.GroupArguments, readArgs},
		{"unlisted_args", pdp.GroupArguments, readUnlisted},
		{"commands", pdp.GroupArguments, readCommands},
		{"paths", pdp.GroupPlaces, readPaths},
		{"from", pdp.GroupPlaces, readFrom},
		{"to", pdp.GroupPlaces, readTo},
		{"urls", pdp.GroupPlaces, readURLs},
		{"hosts", pdp.GroupPlaces, readHosts},
	}
}

// laterConditions are conditions of the language that this version does not
// evaluate.
func laterConditions() []string {
	return []string{
		"scopes", "auth", "extensions", "ports", "time", "network", "device", "integrity",
		"trust", "call_risk", "behavior", "rate", "session", "when",
	}
}

func conditionNames() []string {
	all := allConditions()
	out := make([]string, len(all))
	for i, c := range all {
		out[i] = c.name
	}
	return out
}

func isCondition(name string) bool { return has(conditionNames(), name) }

// conditions compiles the conditions of a rule or an exception.
func (r *reader) conditions(fields []field, at place) []pdp.Op {
	var out []pdp.Op
	for _, f := range fields {
		for _, c := range allConditions() {
			if c.name != f.name {
				continue
			}
			for _, op := range c.read(r, f, at) {
				op.Group = c.group
				if op.Field == "" {
					op.Field = f.name
				}
				if op.Text == "" {
					op.Text = written(f.node)
				}
				out = append(out, op)
			}
		}
	}
	return out
}

// texts returns the strings of a list condition.
func (r *reader) texts(n *yaml.Node, what string) []string {
	words := r.words(n, what)
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = w.text
	}
	return out
}

// oneOf returns the strings of a list whose entries are words of the language.
func (r *reader) oneOf(n *yaml.Node, what string, known []string) []string {
	var out []string
	for _, w := range r.words(n, what) {
		if !has(known, w.text) {
			r.err(w.node, suggest(w.text, known), "%s is not one of %s", show(w.text), strings.Join(known, ", "))
			continue
		}
		out = append(out, w.text)
	}
	return out
}

// maxWritten is how much of a condition explanations repeat.
const maxWritten = 120

// written renders a condition on one line, as its author could have written it.
func written(n *yaml.Node) string {
	var b strings.Builder
	write(&b, n)
	if s := b.String(); len(s) > maxWritten {
		return strings.ToValidUTF8(s[:maxWritten], "") + "…"
	}
	return b.String()
}

func write(b *strings.Builder, n *yaml.Node) {
	if b.Len() > maxWritten {
		return
	}
	switch n.Kind {
	case yaml.SequenceNode:
		b.WriteByte('[')
		for i, c := range n.Content {
			if i > 0 {
				b.WriteString(", ")
			}
			write(b, c)
		}
		b.WriteByte(']')
	case yaml.MappingNode:
		b.WriteByte('{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(n.Content[i].Value + ": ")
			write(b, n.Content[i+1])
		}
		b.WriteByte('}')
	default:
		b.WriteString(n.Value)
	}
}
