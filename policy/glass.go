package policy

import (
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/pdp"
)

// glassKeys are the keys of an entry of `break_glass:`.
func glassKeys() []string {
	return []string{"who", "approve", "purpose", "valid", "uses", "notify", "review"}
}

// breakGlassEntries reads `break_glass:`, by name.
func (r *reader) breakGlassEntries(n *yaml.Node) {
	for _, f := range r.fields(n, "break_glass") {
		if !wordName().MatchString(f.name) {
			r.err(f.key, "", "%s is not a name: use a-z, 0-9, _ and -", show(f.name))
			continue
		}
		if _, dup := r.breakGlass[f.name]; dup {
			r.err(f.key, "", "break_glass.%s is declared in another file already", f.name)
			continue
		}
		if r.breakGlass == nil {
			r.breakGlass = map[string]pdp.BreakGlass{}
		}
		r.breakGlass[f.name] = r.breakGlassEntry(f)
	}
}

func (r *reader) breakGlassEntry(entry field) pdp.BreakGlass {
	b := pdp.BreakGlass{Position: r.position(entry.key)}
	fields := r.fields(entry.node, "break_glass."+entry.name)
	for _, f := range fields {
		switch f.name {
		case "who":
			b.Who = r.who(f)
		case "approve":
			r.glassApproval(f.node, &b)
		case "purpose":
			r.choice(f.node, "purpose", "required")
			b.Purpose = true
		case "valid":
			b.Valid = r.duration(f.node, "valid")
		case "uses":
			b.Uses = r.number(f.node, "uses", 1)
		case "notify":
			b.Notify = r.texts(f.node, "notify")
		case "review":
			b.Review = r.duration(f.node, "review")
		default:
			r.unknown(f, "break_glass."+entry.name, glassKeys())
		}
	}
	for _, needed := range []string{"who", "approve", "valid"} {
		if entry.node.Kind == yaml.MappingNode && !hasField(fields, needed) {
			r.err(entry.key, "", "break_glass.%s does not say %s", entry.name, needed)
		}
	}
	return b
}

// who reads conditions on the caller. They are read as those of a rule that
// grants: they must be true for certain.
func (r *reader) who(f field) []pdp.Op {
	var conditions []field
	for _, c := range r.fields(f.node, "who") {
		if known, ok := r.vocabulary.conditions[c.name]; ok && known.group == pdp.GroupWho {
			conditions = append(conditions, c)
			continue
		}
		r.unknown(c, "who", whoNames())
	}
	ops := r.conditions(conditions, place{effect: access.Allow})
	if f.node.Kind == yaml.MappingNode && len(f.node.Content) == 0 {
		r.err(f.node, "", "who names nobody")
	}
	return ops
}

func whoNames() []string {
	var out []string
	for _, c := range allConditions() {
		if c.group == pdp.GroupWho && c.name != "clients" {
			out = append(out, c.name)
		}
	}
	return out
}

// glassApproval reads who approves an entry, and how.
func (r *reader) glassApproval(n *yaml.Node, b *pdp.BreakGlass) {
	for _, f := range r.fields(n, "approve") {
		switch f.name {
		case "group":
			b.Group = r.text(f.node, "a group")
		case "quorum":
			b.Quorum = r.number(f.node, "quorum", 1)
		case "assurance":
			b.Assurance = r.choice(f.node, "assurance", assurances()...)
		case "self":
			b.Self = r.choice(f.node, "self", "never", "allowed")
		default:
			r.unknown(f, "approve", []string{"group", "quorum", "assurance", "self"})
		}
	}
}

// liftableBy reads `liftable:`, entries of break_glass that may lift the rule.
func (r *reader) liftableBy(f field, rule *pdp.Rule) {
	if rule.Effect != access.Deny && rule.Effect != access.Approve {
		r.err(f.key, "", "liftable belongs to a rule that denies or approves")
	}
	for _, w := range r.words(f.node, "liftable") {
		rule.Liftable = append(rule.Liftable, w.text)
		r.lifts = append(r.lifts, lift{w, r.file})
	}
}

// lift is one name under `liftable`, which some file must declare.
type lift struct {
	word word
	file string
}

// undeclaredLifts reports names that no file declares.
func (c *compiler) undeclaredLifts() {
	for _, l := range c.lifts {
		if _, ok := c.breakGlass[l.word.text]; ok {
			continue
		}
		n := l.word.node
		c.problems = append(c.problems, Problem{
			File: l.file, Line: n.Line, Column: n.Column,
			Message: "there is no break_glass entry " + show(l.word.text),
			Hint:    suggest(l.word.text, slices.Sorted(maps.Keys(c.breakGlass))),
		})
	}
}
