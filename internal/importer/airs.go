package importer

import (
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// airs reads the configuration of the airs file server: paths that are allowed
// and denied, and named policies that grant operations on patterns of files.
func (r *reader) airs(root *node) {
	r.keys(root, "the configuration", "security", "binary", "server")
	r.doc.head = r.head()
	r.doc.name, r.doc.backendComment = r.baseName(), "the airs file server"
	security := root.get("security")
	if security == nil {
		r.err(root.pos, "there is no [security]")
		return
	}
	r.keys(security, "[security]", "filesystem", "operations", "policies", "binary_processing_disabled", "text_only_mode", "max_file_size")
	files := security.get("filesystem")
	if files != nil {
		r.keys(files, "[security.filesystem]", "allowed_paths", "denied_paths")
	}
	switches := r.airsSwitches(security)
	policies := r.airsPolicies(security)
	r.airsConsistent(security.pos, switches, policies)
	r.airsServer(root)
	r.airsPaths(security.pos, files)
	for _, p := range policies {
		r.airsGrant(p, switches)
	}
	r.airsTools(policies)
	r.airsGaps(security.pos)
}

// airsSwitches are the four switches of [security.operations], with the
// defaults of the production mode.
func (r *reader) airsSwitches(security *node) map[string]bool {
	names := []string{"read_allowed", "write_requires_policy", "delete_requires_explicit_allow", "create_dir_allowed"}
	n := security.get("operations")
	if n != nil {
		r.keys(n, "[security.operations]", names...)
	}
	out := map[string]bool{}
	for _, name := range names {
		v := conditionOf(n, name)
		out[name] = r.flag(v, name, true)
		if strings.HasSuffix(name, "_allowed") && v != nil && !out[name] {
			r.remark(v.pos, "%s is false: policies grant the operation here no more than there", name)
		}
	}
	return out
}

// airsPolicy is one named policy.
type airsPolicy struct {
	pos
	name, risk, description string
	patterns, operations    []*node
}

func (p *airsPolicy) has(operation string) bool {
	return slices.ContainsFunc(p.operations, func(n *node) bool { return n.value == operation })
}

func airsOperations() []string {
	return []string{"read", "write", "delete", "list", "create_dir", "move", "copy"}
}

// airsPolicies reads and checks the policies as the server does when it starts.
func (r *reader) airsPolicies(security *node) []*airsPolicy {
	n := security.get("policies")
	if n == nil || n.kind == object && len(n.fields) == 0 {
		r.err(security.pos, "At least one security policy must be defined")
		return nil
	}
	if n.kind != object {
		r.err(n.pos, "[security.policies] holds tables")
		return nil
	}
	var out []*airsPolicy
	for _, f := range n.fields {
		if f.name == "" {
			r.err(f.pos, "Policy name cannot be empty")
		}
		what := "policy " + show(f.name)
		if !r.keys(f.node, what, "patterns", "operations", "risk_level", "description") {
			continue
		}
		p := &airsPolicy{pos: f.pos, name: f.name, description: r.text(f.node.get("description"), "description")}
		p.patterns = r.texts(f.node.get("patterns"), "patterns", false)
		p.operations = r.texts(f.node.get("operations"), "operations", false)
		if f.node.get("risk_level") == nil {
			r.err(f.pos, "%s has no risk_level: low, medium, high or critical", what)
		}
		p.risk = r.choice(f.node.get("risk_level"), "risk_level", "low", "medium", "high", "critical")
		r.airsChecked(p)
		out = append(out, p)
	}
	return out
}

// airsChecked gives the start-up errors and warnings about one policy.
func (r *reader) airsChecked(p *airsPolicy) {
	if len(p.patterns) == 0 {
		r.err(p.pos, "Policy '%s' must have at least one pattern", p.name)
	}
	for i, n := range p.patterns {
		if !airsValid(n.value) {
			r.err(n.pos, "Policy '%s' has invalid pattern #%d: %s", p.name, i+1, show(n.value))
		}
	}
	if len(p.operations) == 0 {
		r.err(p.pos, "Policy '%s' must specify at least one operation", p.name)
	}
	for _, n := range p.operations {
		if known := airsOperations(); !slices.Contains(known, n.value) {
			r.err(n.pos, "Policy '%s' has invalid operation '%s'. Valid operations: %s%s", p.name, n.value, strings.Join(known, ", "), didYouMean(n.value, known))
		}
	}
	if (p.risk == "high" || p.risk == "critical") && p.has("delete") {
		r.warn(p.pos, "Policy '%s' has high risk level but allows delete operations - consider review", p.name)
	}
	if p.risk == "critical" && (p.has("write") || p.has("delete") || p.has("move")) {
		r.warn(p.pos, "Policy '%s' has critical risk level but allows write/delete/move - consider restrictions", p.name)
	}
}

func airsValid(pattern string) bool {
	return strings.TrimSpace(pattern) != "" && doublestar.ValidatePattern(pattern)
}

// airsConsistent gives the start-up errors about operations that nothing grants.
func (r *reader) airsConsistent(at pos, switches map[string]bool, policies []*airsPolicy) {
	grants := func(operation string) bool {
		return slices.ContainsFunc(policies, func(p *airsPolicy) bool { return p.has(operation) })
	}
	if switches["write_requires_policy"] && !grants("write") && len(policies) > 0 {
		r.err(at, "write_requires_policy is enabled but no policies allow 'write' operations")
	}
	if switches["delete_requires_explicit_allow"] && !grants("delete") && len(policies) > 0 {
		r.err(at, "delete_requires_explicit_allow is enabled but no policies allow 'delete' operations")
	}
}

// airsServer reads [server] and the limit on files.
func (r *reader) airsServer(root *node) {
	if n := root.get("server"); n != nil && r.keys(n, "[server]", "name", "version") {
		for _, key := range []string{"name", "version"} {
			if v := n.get(key); v != nil && v.kind == text && v.value == "" {
				r.err(v.pos, "Server %s cannot be empty", key)
			} else if key == "name" && v != nil {
				r.doc.head = append(r.doc.head, "Server: "+r.text(v, "name"))
			}
		}
	}
	size := root.get("security").get("max_file_size")
	if n := root.get("binary"); n != nil && r.keys(n, "[binary]", "max_file_size", "binary_processing_disabled", "enable_image_processing", "enable_pdf_processing") {
		if v := n.get("max_file_size"); v != nil {
			size = v
		}
	}
	switch {
	case size == nil:
	case size.kind != number || strings.ContainsAny(size.value, ".-+xobe") || len(size.value) > 18:
		r.err(size.pos, "max_file_size is a number of bytes")
	case strings.Trim(size.value, "0") == "":
		r.err(size.pos, "max_file_size cannot be zero")
	default:
		r.doc.returns = "{max_bytes: " + size.value + "}"
		r.wider(size.pos, "the size of files that are read and written", "the size of what a call returns; what it writes is not bounded")
	}
}
