package policy

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/pdp"
)

// limitKeys are the keys of an entry of `limits:`.
func limitKeys() []string {
	return []string{"id", "tools", "per", "max", "over", "message", "remediation"}
}

// limitList reads `limits:`, caps that hold whichever rule allowed the call.
func (r *reader) limitList(n *yaml.Node) {
	switch {
	case n.Kind != yaml.SequenceNode:
		r.err(n, "", "limits are a list")
		return
	case len(n.Content) == 0:
		r.err(n, "leave the key out", "limits is an empty list")
	}
	for _, c := range n.Content {
		r.limit(c)
	}
}

func (r *reader) limit(n *yaml.Node) {
	fields := r.fields(n, "a limit")
	if n.Kind != yaml.MappingNode {
		return
	}
	l := pdp.Limit{Position: r.position(n), Layer: r.layer}
	for _, f := range fields {
		switch f.name {
		case "id":
			l.ID = r.scalar(f.node, "an id")
		case "tools":
			// What caps may name everything, as what denies may.
			l.Targets = r.targets(f.node, "tools", access.Deny)
		case "message":
			l.Message = r.text(f.node, "a message")
		case "remediation":
			l.Remediation = r.text(f.node, "a remediation")
		default:
			if !r.rated(f, &l.Rate) {
				r.unknown(f, "a limit", limitKeys())
			}
		}
	}
	if l.Targets == nil && !hasField(fields, "tools") {
		r.err(n, `tools: ["*.*"]`, "the limit names no tools")
	}
	r.complete(n, fields, "a limit")
	r.identified(n, fields, "limit", l.ID, l.Position)
	r.limits = append(r.limits, l)
}

// rate reads `rate:` of a rule that allows.
func (r *reader) rate(f field, rule *pdp.Rule) {
	if rule.Effect != access.Allow {
		r.err(f.key, "limits: caps whatever rule allowed a call", "rate belongs to a rule that allows")
	}
	fields := r.fields(f.node, "rate")
	rule.Rate = &pdp.Rate{}
	for _, part := range fields {
		if !r.rated(part, rule.Rate) {
			r.unknown(part, "rate", []string{"max", "per", "over"})
		}
	}
	r.complete(f.node, fields, "a rate")
}

// rated reads a key that limits and rates share.
func (r *reader) rated(f field, out *pdp.Rate) bool {
	switch f.name {
	case "max":
		r.perTime(f.node, out)
	case "per":
		out.Per = r.oneOf(f.node, "per", pdp.PerNames())
	case "over":
		out.Approve = r.choice(f.node, "over", "deny", "approve") == "approve"
	default:
		return false
	}
	return true
}

// complete reports a cap without its number.
func (r *reader) complete(n *yaml.Node, fields []field, what string) {
	if n.Kind == yaml.MappingNode && !hasField(fields, "max") {
		r.err(n, "max: 100/1m", "%s says how many: max", what)
	}
}

// maxPer is the highest number that a rate may count to.
const maxPer = 1 << 40

// perTime reads COUNT/DURATION: 100/1m.
func (r *reader) perTime(n *yaml.Node, out *pdp.Rate) {
	count, window, ok := strings.Cut(n.Value, "/")
	max, err := strconv.ParseInt(count, 10, 64)
	if n.Kind != yaml.ScalarNode || !isText(n) || !ok || err != nil || max < 0 || max > maxPer {
		r.err(n, "", "max is a count and a length of time such as 100/1m or 2000/1h")
		return
	}
	d := *n
	d.Value = window
	out.Max, out.Window, out.Text = max, r.duration(&d, "the time of max"), n.Value
}

func hasField(fields []field, name string) bool {
	for _, f := range fields {
		if f.name == name {
			return true
		}
	}
	return false
}
