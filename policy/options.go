package policy

import (
	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/internal/pdp"
)

// approval reads how a held call is answered.
func (r *reader) approval(n *yaml.Node) *pdp.Approval {
	var a pdp.Approval
	for _, f := range r.fields(n, "approval") {
		switch f.name {
		case "group":
			a.Group = r.text(f.node, "a group")
		case "quorum":
			a.Quorum = r.number(f.node, "quorum", 1)
		case "valid":
			a.Valid = r.duration(f.node, "valid")
		case "wait":
			a.Wait = r.duration(f.node, "wait")
		case "assurance":
			a.Assurance = r.choice(f.node, "assurance", assurances()...)
		case "self":
			a.Self = r.choice(f.node, "self", "never", "allowed")
		case "standing":
			a.Standing = r.standing(f.node)
		default:
			r.unknown(f, "approval", []string{"group", "quorum", "valid", "wait", "assurance", "self", "standing"})
		}
	}
	return &a
}

// assurances are the words for how sure an answer is, least first.
func assurances() []string { return []string{"host", "code", "passkey", "remote"} }

func (r *reader) standing(n *yaml.Node) *pdp.Standing {
	var s pdp.Standing
	for _, f := range r.fields(n, "standing") {
		switch f.name {
		case "max":
			s.Max = r.duration(f.node, "max")
		case "uses":
			s.Uses = r.number(f.node, "uses", 1)
		case "issue":
			s.Issue = r.choice(f.node, "issue", issueNames()...)
		default:
			r.unknown(f, "standing", []string{"max", "uses", "issue"})
		}
	}
	return &s
}

// issueNames say how far an answer stands that issues a lease by itself, from
// exact to broad.
func issueNames() []string { return []string{"same", "text", "directory", "names", "any"} }

// returned reads what happens to results: marks to redact or deny, and a size.
func (r *reader) returned(n *yaml.Node) *pdp.Returns {
	out := pdp.Returns{Marks: map[string]string{}}
	for _, f := range r.fields(n, "returns") {
		switch {
		case f.name == "max_bytes":
			out.MaxBytes = int64(r.number(f.node, "max_bytes", 1))
		case wordName().MatchString(f.name):
			out.Marks[f.name] = r.choice(f.node, "returns."+f.name, "redact", "deny")
		default:
			r.err(f.key, "", "%s is not a label: use a-z, 0-9, _ and -", show(f.name))
		}
	}
	return &out
}
