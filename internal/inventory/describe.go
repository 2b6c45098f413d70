package inventory

import (
	"slices"
	"strings"

	"github.com/custos-zt/custos/access"
)

// Describe joins what is known about a tool. Each field is taken from the
// first source that has it: the policy's declaration, the registry entry where
// the digest of the definition is a recorded one, the schema. Labels add up,
// and so does what says that an argument is a path, a URL, a command or a
// secret, since each such fact only demands more; whether one argument is a
// path is decided by the first source that names it.
//
// A schema sets Described and marks properties whose `format` is that of a URL
// or a path. It never supplies operations, side effects, labels or a tier, and
// neither do annotations: see the package comment. known and def may be nil.
func Describe(declared access.ToolFacts, known *Entry, def *Definition) access.ToolFacts {
	facts := declared
	facts.Described = declared.Described || describesArguments(&declared)
	facts.Source = ""
	if facts.Described || saysMore(&declared) {
		facts.Source = "policy"
	}
	if known != nil && def != nil {
		if shipped, ok := known.Facts(def.Name, def.Digest); ok {
			facts = lay(facts, shipped)
		}
	}
	if def != nil {
		if s, ok := schemaFacts(def.Schema); ok {
			facts = lay(facts, s)
		}
	}
	return facts
}

// saysMore reports whether a declaration says anything beside what the
// arguments are.
func saysMore(f *access.ToolFacts) bool {
	return f.Ops != 0 || len(f.OpsBy) > 0 || f.SideEffects != nil || f.Labels != nil || f.Tier != ""
}

func describesArguments(f *access.ToolFacts) bool {
	return len(f.Paths)+len(f.NotPaths)+len(f.URLs)+len(f.Commands)+len(f.Secrets) > 0
}

// lay fills what over leaves open from under.
func lay(over, under access.ToolFacts) access.ToolFacts {
	out := over
	out.Described = over.Described || under.Described
	if out.Source == "" {
		out.Source = under.Source
	}
	if over.Ops == 0 && len(over.OpsBy) == 0 {
		out.Ops, out.OpsBy = under.Ops, under.OpsBy
	}
	if over.SideEffects == nil {
		out.SideEffects = under.SideEffects
	}
	if over.Tier == "" {
		out.Tier = under.Tier
	}
	named := namedArgs(&over)
	out.Paths = slices.Clone(over.Paths)
	for _, p := range under.Paths {
		if !slices.Contains(named, p.Arg) {
			out.Paths = append(out.Paths, p)
		}
	}
	out.NotPaths = append(slices.Clone(over.NotPaths), others(under.NotPaths, named)...)
	out.Labels = union(over.Labels, under.Labels)
	out.URLs = union(over.URLs, under.URLs)
	out.Commands = union(over.Commands, under.Commands)
	out.Secrets = union(over.Secrets, under.Secrets)
	return out
}

// namedArgs lists the arguments of which a source says what they are.
func namedArgs(f *access.ToolFacts) []string {
	named := slices.Concat(f.NotPaths, f.URLs, f.Commands)
	for _, p := range f.Paths {
		named = append(named, p.Arg)
	}
	return named
}

func others(args, named []string) []string {
	var out []string
	for _, a := range args {
		if !slices.Contains(named, a) {
			out = append(out, a)
		}
	}
	return out
}

func union(a, b []string) []string {
	return append(slices.Clone(a), others(b, a)...)
}

// schemaFacts reads what an input schema says of its top-level properties. It
// reports false where it is no schema of an object.
func schemaFacts(schema access.Value) (access.ToolFacts, bool) {
	if schema.Kind() != access.Object {
		return access.ToolFacts{}, false
	}
	f := access.ToolFacts{Described: true, Source: "schema"}
	for _, p := range schema.Get("properties").Members() {
		if p.Key == "" || strings.Contains(p.Key, `"]`) {
			continue // no argument path can name it
		}
		format := p.Value.Get("format")
		if format.IsAbsent() {
			format = p.Value.Path("items", "format")
		}
		switch format.Text() {
		case "uri", "url", "iri":
			f.URLs = append(f.URLs, argPath(p.Key))
		case "path", "file-path", "directory-path", "new-path": // as pydantic writes them
			f.Paths = append(f.Paths, access.PathFact{Arg: argPath(p.Key)})
		}
	}
	return f, true
}

// argPath writes one key as a JSON path into the arguments.
func argPath(key string) string {
	if strings.ContainsAny(key, ".[") {
		return `["` + key + `"]`
	}
	return key
}
