package policy

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/pdp"
)

// factKeys are the keys of an entry under `tools:`.
func factKeys() []string {
	return []string{
		"known", "ops", "by", "side_effects", "tier", "labels", "paths", "not_paths", "urls",
		"commands", "secrets",
	}
}

// ParseToolFacts reads facts about one tool as they stand under `tools:`, and
// the registry entry they name, if any. The shipped registry is written in the
// same words. file stands in the positions of problems.
func ParseToolFacts(file string, n *yaml.Node) (facts access.ToolFacts, known string, problems []Problem) {
	r := &reader{compiler: &compiler{}, file: file}
	d := r.facts(n)
	return d.Facts, d.Known, r.problems
}

// declarations reads `tools:`. A key is a backend, or backend.tool.
func (r *reader) declarations(n *yaml.Node) {
	for _, f := range r.fields(n, "tools") {
		backend, tool, dotted := strings.Cut(f.name, ".")
		switch {
		case !backendName().MatchString(backend):
			r.err(f.key, "", "%s is not the name of a backend: a-z, 0-9 and -, at most 32", show(backend))
			continue
		case dotted && (tool == "" || strings.Contains(tool, "*")):
			r.err(f.key, "write facts for all tools of a backend under its bare name", "%s is not BACKEND or BACKEND.TOOL", show(f.name))
			continue
		}
		r.checkBackend(f.key, backend)
		if _, dup := r.tools[f.name]; dup {
			r.err(f.key, "", "%s was declared in another file", show(f.name))
			continue
		}
		r.tools[f.name] = r.facts(f.node)
	}
}

// facts reads one entry. An empty list is a fact here: there are none.
func (r *reader) facts(n *yaml.Node) pdp.Declaration {
	var d pdp.Declaration
	for _, f := range r.fields(n, "facts about a tool") {
		r.fact(f, &d)
	}
	d.Facts.Described = d.Has&^(pdp.HasTier|pdp.HasLabels) != 0
	return d
}

// known checks a name under `known:`. A slip is an error; a server that the
// registry does not have (yet) is a warning, because facts that nobody has are
// unknown, and what is unknown grants nothing.
func (r *reader) known(n *yaml.Node, name string) {
	k := r.options.Known
	if k == nil || name == "" || k.Known(name) {
		return
	}
	if hint := suggest(name, k.Servers()); hint != "" {
		r.err(n, hint, "no known server has the name %s", show(name))
		return
	}
	r.warn(n, "", "no known server has the name %s: what its tools do is unknown, and grants nothing", show(name))
}

func (r *reader) fact(f field, d *pdp.Declaration) {
	facts := &d.Facts
	switch f.name {
	case "known":
		d.Known = r.text(f.node, "known")
		r.known(f.node, d.Known)
	case "ops":
		d.Has |= pdp.HasOps
		facts.Ops = r.opMask(f.node, "ops")
	case "by":
		d.Has |= pdp.HasBy
		facts.OpsBy = r.opsBy(f.node)
	case "side_effects":
		d.Has |= pdp.HasSideEffects
		facts.SideEffects = r.mayBeNone(f.node, func(n *yaml.Node) []string { return r.oneOf(n, "side_effects", sideEffects()) })
	case "tier":
		d.Has |= pdp.HasTier
		facts.Tier = r.choice(f.node, "tier", tiers()...)
	case "labels":
		d.Has |= pdp.HasLabels
		facts.Labels = r.mayBeNone(f.node, func(n *yaml.Node) []string { return r.texts(n, "labels") })
	case "paths":
		d.Has |= pdp.HasPaths
		facts.Paths = r.pathFacts(f.node)
	case "not_paths":
		d.Has |= pdp.HasNotPaths
		facts.NotPaths = r.argPaths(f.node, f.name)
	case "urls":
		d.Has |= pdp.HasURLs
		facts.URLs = r.argPaths(f.node, f.name)
	case "commands":
		d.Has |= pdp.HasCommands
		facts.Commands = r.argPaths(f.node, f.name)
	case "secrets":
		d.Has |= pdp.HasSecrets
		facts.Secrets = r.argPaths(f.node, f.name)
	default:
		r.unknown(f, "facts about a tool", factKeys())
	}
}

// mayBeNone reads a list that may be empty: known to be none.
func (r *reader) mayBeNone(n *yaml.Node, read func(*yaml.Node) []string) []string {
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		return []string{}
	}
	return read(n)
}

// argPaths reads JSON paths into the arguments.
func (r *reader) argPaths(n *yaml.Node, what string) []string {
	return r.mayBeNone(n, func(n *yaml.Node) []string {
		var out []string
		for _, w := range r.words(n, what) {
			if r.isArgPath(w.node, w.text) {
				out = append(out, w.text)
			}
		}
		return out
	})
}

func (r *reader) isArgPath(n *yaml.Node, text string) bool {
	if _, err := pdp.ParseArgPath(text); err != nil {
		r.err(n, "", "%s: %v", show(text), err)
		return false
	}
	return true
}

// pathFacts reads {ARG: local | remote | {base: ARG}}.
func (r *reader) pathFacts(n *yaml.Node) []access.PathFact {
	out := []access.PathFact{}
	for _, f := range r.fields(n, "paths") {
		if !r.isArgPath(f.key, f.name) {
			continue
		}
		p := access.PathFact{Arg: f.name}
		if f.node.Kind == yaml.MappingNode {
			for _, part := range r.fields(f.node, "paths."+f.name) {
				if part.name != "base" {
					r.unknown(part, "paths."+f.name, []string{"base"})
					continue
				}
				p.Base = r.text(part.node, "base")
				r.isArgPath(part.node, p.Base)
			}
		} else {
			p.Remote = r.choice(f.node, "paths."+f.name, "local", "remote") == "remote"
		}
		out = append(out, p)
	}
	return out
}

// opsBy reads {ARG: {PATTERN: [ops]}}.
func (r *reader) opsBy(n *yaml.Node) []access.OpsBy {
	var out []access.OpsBy
	for _, arg := range r.fields(n, "by") {
		if !r.isArgPath(arg.key, arg.name) {
			continue
		}
		for _, f := range r.fields(arg.node, "by."+arg.name) {
			out = append(out, access.OpsBy{Arg: arg.name, Pattern: f.name, Ops: r.opMask(f.node, "by."+arg.name)})
		}
	}
	return out
}
