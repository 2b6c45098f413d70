package policy

import (
	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/internal/pdp"
)

// topKeys are the keys of a policy file.
func topKeys() []string {
	return []string{
		"policy", "version", "layer", "backend", "define", "templates", "tools", "labels", "defaults", "limits", "rules",
		"break_glass", "silent", "observe", "team_membership", "tests",
	}
}

// top reads the root of a file: names and facts first, since rules use them.
func (r *reader) top(root *yaml.Node) {
	byName := map[string]*yaml.Node{}
	for _, f := range r.fields(root, "a policy") {
		switch {
		case has(topKeys(), f.name):
			byName[f.name] = f.node
		case f.name == "teams":
			r.err(f.key, "teams: in custos.yaml", "who is in a team is said by the configuration, not by a policy")
		default:
			r.unknown(f, "a policy", topKeys())
		}
	}
	if root.Kind != yaml.MappingNode {
		return
	}
	r.header(root, byName)
	r.define, r.templates = map[string]*definition{}, map[string]*template{}
	for _, part := range []struct {
		name string
		read func(*yaml.Node)
	}{
		{"define", r.definitions},
		{"templates", r.templateList},
		{"tools", r.declarations},
		{"labels", r.labelled},
		{"defaults", r.defaults},
		{"limits", r.limitList},
		{"break_glass", r.breakGlassEntries},
		{"rules", r.ruleList},
		{"tests", r.ownTests},
	} {
		if n := byName[part.name]; n != nil {
			part.read(n)
		}
	}
	r.unusedTemplates()
	r.unusedDefinitions()
}

func (r *reader) header(root *yaml.Node, byName map[string]*yaml.Node) {
	if n := byName["policy"]; n != nil {
		r.text(n, "the name of a policy")
	} else {
		r.err(root, "policy: NAME", "the policy has no name")
	}
	if n := byName["version"]; n != nil {
		r.scalar(n, "a version")
	}
	r.claim(root, byName)
	r.whole(byName)
	if r.backend = r.options.Backend; byName["backend"] != nil {
		n := byName["backend"]
		if r.backend = r.text(n, "a backend"); r.backend != "" && !backendName().MatchString(r.backend) {
			r.err(n, "", "%s is not the name of a backend: a-z, 0-9 and -, at most 32", show(r.backend))
		}
		if r.compiler.backend == "" {
			r.compiler.backend = r.backend
		}
		r.checkBackend(n, r.backend)
	}
	if byName["rules"] == nil {
		r.err(root, "", "the policy has no rules, and without rules everything is denied")
	}
}

// ownTests leaves the tests of a policy to those who run them: package proof.
// They change no decision.
func (r *reader) ownTests(n *yaml.Node) { r.fields(n, "tests") }

// defaults reads what holds for every rule of the file that does not say
// otherwise.
func (r *reader) defaults(n *yaml.Node) {
	for _, f := range r.fields(n, "defaults") {
		switch f.name {
		case "unlisted_args":
			r.unlisted = r.admission(f.node)
		case "returns":
			r.returns = r.returned(f.node)
		default:
			r.unknown(f, "defaults", []string{"unlisted_args", "returns"})
		}
	}
}

// admission reads the value of `unlisted_args`.
func (r *reader) admission(n *yaml.Node) pdp.Admission {
	switch r.choice(n, "unlisted_args", "declared", "reject", "allow") {
	case "reject":
		return pdp.AdmitNone
	case "allow":
		return pdp.AdmitAll
	default:
		return pdp.AdmitDeclared
	}
}

func has(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}
