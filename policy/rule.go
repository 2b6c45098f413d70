package policy

import (
	"regexp"
	"slices"
	"strconv"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/pdp"
)

var ruleID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$`) })

// ruleList reads `rules:`.
func (r *reader) ruleList(n *yaml.Node) {
	switch {
	case n.Kind != yaml.SequenceNode:
		r.err(n, "", "rules are a list")
	case len(n.Content) == 0:
		r.err(n, "", "rules is an empty list, and without rules everything is denied")
	}
	r.rules = slices.Grow(r.rules, len(n.Content))
	for _, c := range n.Content {
		switch {
		case n.Kind != yaml.SequenceNode:
		case usesTemplate(c):
			r.made(c)
		default:
			r.rule(c)
		}
	}
}

// ruleKeys are the keys of a rule beside its conditions.
func ruleKeys() []string {
	return []string{
		"id", "allow", "approve", "deny", "unless", "approval", "grants", "else", "mode",
		"returns", "message", "remediation", "expires", "delegate", "rate", "liftable",
		"add_labels", "notify",
	}
}

// rule reads one rule.
func (r *reader) rule(n *yaml.Node) {
	fields := r.fields(n, "a rule")
	if n.Kind != yaml.MappingNode {
		return
	}
	rule := pdp.Rule{Position: r.position(n), Layer: r.layer, Returns: r.returns}
	r.effect(n, fields, &rule)
	var conditions []field
	var end *expiry
	for _, f := range fields {
		switch {
		case f.name == "expires":
			end = r.expiry(f)
		case f.name == "to" && rule.Effect == access.Delegate:
			r.delegatesTo(f, &rule)
		case r.vocabulary.options[f.name]:
			r.option(f, &rule)
		case r.isCondition(f.name):
			conditions = append(conditions, f)
		default:
			r.unknown(f, "a rule", slices.Concat(ruleKeys(), conditionNames(), useKeys()))
		}
	}
	at := place{effect: rule.Effect}
	rule.Ops = r.conditions(conditions, at)
	if rule.Effect != access.Deny {
		rule.Ops = r.withUnlisted(rule.Ops)
	}
	if rule.Effect == access.Delegate && !hasField(fields, "to") {
		r.err(n, "to: [team/NAME]", "the rule does not say to which layer it delegates")
	}
	r.identified(n, fields, "rule", rule.ID, rule.Position)
	if end != nil {
		r.rules = append(r.rules, r.expire(rule, end)...)
		return
	}
	r.rules = append(r.rules, rule)
}

// effect reads the one effect and its patterns.
func (r *reader) effect(n *yaml.Node, fields []field, rule *pdp.Rule) {
	var first *field
	for i, f := range fields {
		e := effectOf(f.name)
		if e == access.None {
			continue
		}
		if first != nil {
			r.err(f.key, "make it two rules", "a rule has one effect, and this one has %s and %s", first.name, f.name)
			continue
		}
		first = &fields[i]
		rule.Effect = e
		rule.Targets = r.targets(f.node, f.name, e)
	}
	mistyped := func(f field) bool { return suggest(f.name, []string{"allow", "approve", "deny", "delegate"}) != "" }
	if first == nil && !slices.ContainsFunc(fields, mistyped) {
		r.err(n, "", "the rule has no effect: allow, approve, deny or delegate")
	}
}

func effectOf(name string) access.Effect {
	for _, e := range [...]access.Effect{access.Allow, access.Approve, access.Deny, access.Delegate} {
		if e.String() == name {
			return e
		}
	}
	return access.None
}

// identified checks an id, which every rule and limit has and no other.
func (r *reader) identified(n *yaml.Node, fields []field, what, id, position string) {
	i := slices.IndexFunc(fields, func(f field) bool { return f.name == "id" })
	if i < 0 {
		r.err(n, "id: NAME", "the %s has no id", what)
		return
	}
	at := fields[i].node
	if id == "" {
		return
	}
	if !ruleID().MatchString(id) {
		r.err(at, "", "%s is not an id: letters, digits, and . _ / - between them", show(id))
		return
	}
	if first, dup := r.ids[id]; dup {
		r.err(at, "", "the id %s is taken by the rule in %s", show(id), first)
		return
	}
	r.ids[id] = position
}

// position is file:line, the form that decisions repeat.
func (r *reader) position(n *yaml.Node) string { return r.file + ":" + strconv.Itoa(n.Line) }

// option reads a key of a rule that is no condition.
func (r *reader) option(f field, rule *pdp.Rule) {
	switch f.name {
	case "id":
		rule.ID = r.scalar(f.node, "an id")
	case "unless":
		r.exceptions(f, rule)
	case "approval":
		if rule.Effect != access.Approve && rule.Effect != access.Allow {
			r.err(f.key, "", "approval says how a call is approved, and this rule approves none")
		}
		rule.Approval = r.approval(f.node)
	case "grants":
		rule.NoGrant = !r.flag(f.node, "grants")
		if rule.Effect != access.Approve {
			r.err(f.key, "", "grants belongs to a rule that approves")
		}
	case "else":
		r.choice(f.node, "else", "approve")
		rule.ElseApprove = true
		if rule.Effect != access.Allow {
			r.err(f.key, "", "else belongs to a rule that allows")
		}
	case "mode":
		rule.Monitor = r.choice(f.node, "mode", "enforce", "monitor") == "monitor"
	case "rate":
		r.rate(f, rule)
	case "liftable":
		r.liftableBy(f, rule)
	case "returns":
		rule.Returns = r.returned(f.node)
	case "add_labels":
		r.marking(f, rule)
	case "notify":
		r.notifying(f, rule)
	case "message":
		rule.Message = r.text(f.node, "a message")
	case "remediation":
		rule.Remediation = r.text(f.node, "a remediation")
	}
}
