package policy

import (
	"strconv"
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
		{"extensions", pdp.GroupWhat, readExtensions},
		{"args", pdp.GroupArguments, readArgs},
		{"unlisted_args", pdp.GroupArguments, readUnlisted},
		{"commands", pdp.GroupArguments, readCommands},
		{"paths", pdp.GroupPlaces, readPaths},
		{"from", pdp.GroupPlaces, readFrom},
		{"to", pdp.GroupPlaces, readTo},
		{"urls", pdp.GroupPlaces, readURLs},
		{"hosts", pdp.GroupPlaces, readHosts},
		{"ports", pdp.GroupPlaces, readPorts},
		{"scopes", pdp.GroupWho, readScopes},
		{"auth", pdp.GroupWho, readAuth},
		{"time", pdp.GroupEnvironment, readTime},
		{"network", pdp.GroupEnvironment, readNetwork},
		{"device", pdp.GroupEnvironment, readDevice},
		{"integrity", pdp.GroupEnvironment, readIntegrity},
		{"trust", pdp.GroupBehaviour, readTrust},
		{"call_risk", pdp.GroupBehaviour, readCallRisk},
		{"behavior", pdp.GroupBehaviour, readBehavior},
		{"session", pdp.GroupBehaviour, readSession},
		{"when", pdp.GroupExpression, readWhen},
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

// vocabulary is what a key of a rule or an exception may be, made once for a
// policy.
type vocabulary struct {
	conditions map[string]condition
	options    map[string]bool
}

func newVocabulary() vocabulary {
	v := vocabulary{map[string]condition{}, map[string]bool{}}
	for _, c := range allConditions() {
		v.conditions[c.name] = c
	}
	for _, name := range ruleKeys() {
		v.options[name] = true
	}
	return v
}

func (v *vocabulary) isCondition(name string) bool {
	_, ok := v.conditions[name]
	return ok
}

// conditions compiles the conditions of a rule or an exception.
func (r *reader) conditions(fields []field, at place) []pdp.Op {
	out := make([]pdp.Op, 0, len(fields)+2) // some are two, and unlisted_args may follow
	for _, f := range fields {
		out = append(out, r.condition(f, at)...)
	}
	return out
}

// condition compiles one condition. Rules repeat each other: conditions that are
// written alike are compiled once, unless there was something to report.
func (r *reader) condition(f field, at place) []pdp.Op {
	c := r.vocabulary.conditions[f.name]
	r.scratch = appendExactly(r.scratch[:0], f.node)
	if ops, ok := r.alike[alike{c.name, at, string(r.scratch)}]; ok {
		return ops
	}
	key := alike{c.name, at, string(r.scratch)}
	reported := len(r.problems)
	ops := c.read(r, f, at)
	for i := range ops {
		op := &ops[i]
		op.Group = c.group
		if op.Field == "" {
			op.Field = f.name
		}
		if op.Text == "" {
			op.Text = written(f.node)
		}
	}
	if len(r.problems) == reported && f.name != "unlisted_args" {
		r.alike[key] = ops
	}
	return ops
}

// alike is what makes two conditions of a file the same.
type alike struct {
	name string
	at   place
	text string
}

// appendExactly renders a node so that only equal ones give the same bytes: "1"
// and 1 are written alike and are not the same. What a text consists of does not
// matter: its length stands before it.
func appendExactly(out []byte, n *yaml.Node) []byte {
	if n.Kind == yaml.ScalarNode {
		out = append(out, n.ShortTag()...)
		out = strconv.AppendInt(append(out, ' '), int64(len(n.Value)), 10)
		return append(append(out, ' '), n.Value...)
	}
	out = strconv.AppendUint(append(out, '('), uint64(n.Kind), 10)
	for _, c := range n.Content {
		out = appendExactly(out, c)
	}
	return append(out, ')')
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
