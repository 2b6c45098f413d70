package policy

import (
	"cmp"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/pdp"
)

// expiry is what a rule says about its end.
type expiry struct {
	key, node *yaml.Node
	at        time.Time
	then      string
}

// expires: {at: 2026-12-31T18:00:00Z, then: drop | deny}. From then on the rule
// is no more, or it denies what it covered. What expires never loosens by
// silence: of a rule that restricts, `then: drop` must be written.
func (r *reader) expiry(f field) *expiry {
	x := &expiry{key: f.key, node: f.node}
	for _, part := range r.fields(f.node, "expires") {
		switch part.name {
		case "at":
			x.at = r.instant(part.node, "expires.at", nil)
		case "then":
			x.then = r.choice(part.node, "expires.then", "drop", "deny")
		default:
			r.unknown(part, "expires", []string{"at", "then"})
		}
	}
	if f.node.Kind == yaml.MappingNode && !slices.ContainsFunc(r.fields(f.node, "expires"), func(p field) bool { return p.name == "at" }) {
		r.err(f.node, "at: 2026-12-31T18:00:00Z", "expires says no time")
	}
	return x
}

// expire completes a rule that has an end: it holds before it only, and what is
// to deny after it is a rule of its own. Where the time is not known the rule
// grants nothing, and both restrict.
func (r *reader) expire(rule pdp.Rule, x *expiry) []pdp.Rule {
	text := written(x.node)
	end := func(w pdp.Window) pdp.Op {
		return pdp.Op{Code: pdp.CodeTime, Group: pdp.GroupEnvironment, Window: &w, Field: "expires", Text: text}
	}
	restricts := rule.Effect == access.Deny || rule.Effect == access.Approve
	switch {
	case rule.Effect == access.Deny && x.then == "deny":
		r.err(x.key, "leave expires out", "a rule that denies goes on denying")
	case restricts && x.then == "":
		r.err(x.key, "then: drop, or then: deny", "what this rule restricts is open once it has expired, unless expires says what then")
	}
	live := rule
	live.Ops = append(slices.Clip(rule.Ops), end(pdp.Window{Until: x.at}))
	if x.then != "deny" {
		return []pdp.Rule{live}
	}
	after := pdp.Rule{
		ID: rule.ID + expiredID, Position: rule.Position, Layer: rule.Layer, Effect: access.Deny,
		Targets: rule.Targets, Unless: rule.Unless, Monitor: rule.Monitor,
		Ops:     append(withoutUnlisted(rule.Ops), end(pdp.Window{From: x.at})),
		Message: cmp.Or(rule.Message, "What the policy says about this call has expired."), Remediation: rule.Remediation,
	}
	return []pdp.Rule{live, after}
}

// withoutUnlisted leaves out the condition that only rules which grant have.
func withoutUnlisted(ops []pdp.Op) []pdp.Op {
	return slices.DeleteFunc(slices.Clone(ops), func(op pdp.Op) bool { return op.Code == pdp.CodeUnlisted })
}

// expiredID ends the id of what denies after a rule has expired. No id that is
// written has a colon.
const expiredID = ":expired"
