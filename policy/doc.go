// Package policy is the policy language of Custos: it reads files that people
// write, reports every problem in them at once with its position, and compiles
// what is right into a snapshot that decides.
//
//	snapshot, problems := policy.Compile([]policy.Source{{Name: "laptop.yaml", Data: data}}, policy.Options{Home: home})
//
// The language is deny by default. A rule allows, approves or denies requests
// that its patterns name, under conditions that must all hold. What grants must
// be certain; what restricts may be suspicion. An argument that is missing, a
// fact that nobody supplied, a command with a shell character in it are
// unknown: they never satisfy a rule that allows, and never disarm a rule that
// denies.
//
// The load is strict. A key that is not known is an error with a suggestion,
// and so is a part of the language that this version does not evaluate: nothing
// that an author wrote is ever ignored. A file is TOML or JSON where its name
// ends so, and YAML otherwise: one model, the same problems, the same
// decisions. YAML anchors and aliases are refused,
// because `define` does the same with names that problems can point to.
//
// `templates` holds rules with typed holes, which rules fill in with `use` and
// `with`. What is filled in is a whole value, so that no text breaks out of its
// place, and every rule that a template makes keeps its own id and says which
// template made it.
//
// A condition is one file, cond_<name>.go, and one line in conditions.go; its
// cases are testdata/cond/<name>.txtar.
package policy
