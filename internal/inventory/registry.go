package inventory

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/policy"
)

//go:embed registry/*.yaml registry/definitions/*.json
var shipped embed.FS

// Registry is the facts that ship with Custos about servers many people use.
// It is immutable and safe for concurrent use.
//
// A server is one file registry/NAME.yaml:
//
//	server: NAME                    # what `known:` in a policy says
//	packages: ["@scope/name", bin]  # words of a command line that start it
//	versions: ["1.0.0", "1.1.0"]    # recorded, oldest first
//	tools:
//	  read_file: {ops: [read], paths: {path: local}}   # as `tools:` in a policy
//
// and, for each version, registry/definitions/NAME@VERSION.json: the `tools`
// that the real server listed, each object byte for byte as sent. The test
// TestRecord writes that file.
type Registry struct {
	entries map[string]*Entry
	words   map[string]string // package word -> server
}

// Entry is what ships about one server.
type Entry struct {
	Server   string
	Packages []string
	Versions []string // oldest first

	facts    map[string]access.ToolFacts
	recorded map[string][][32]byte
	newest   map[string]*Definition
	order    []string // of the newest version's listing
}

// LoadRegistry reads the shipped registry.
func LoadRegistry() (*Registry, error) { return loadRegistry(shipped) }

func loadRegistry(files fs.FS) (*Registry, error) {
	names, err := fs.Glob(files, "registry/*.yaml")
	if err != nil {
		return nil, err
	}
	r := &Registry{entries: map[string]*Entry{}, words: map[string]string{}}
	for _, name := range names {
		e, err := loadEntry(files, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if e.Server != strings.TrimSuffix(path.Base(name), ".yaml") {
			return nil, fmt.Errorf("%s: the file is not named after its server %q", name, e.Server)
		}
		r.entries[e.Server] = e
		for _, word := range e.Packages {
			if other, taken := r.words[word]; taken {
				return nil, fmt.Errorf("%s: the package %q is that of %s", name, word, other)
			}
			r.words[word] = e.Server
		}
	}
	return r, nil
}

// document is the form of one file.
type document struct {
	Server   string               `yaml:"server"`
	Packages []string             `yaml:"packages"`
	Versions []string             `yaml:"versions"`
	Tools    map[string]yaml.Node `yaml:"tools"`
}

func loadEntry(files fs.FS, name string) (*Entry, error) {
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, err
	}
	var doc document
	dec := yaml.NewDecoder(strings.NewReader(string(text)))
	dec.KnownFields(true)
	if err := dec.Decode(&doc); err != nil {
		return nil, err
	}
	if doc.Server == "" || len(doc.Versions) == 0 {
		return nil, errors.New("an entry has a server and at least one recorded version")
	}
	e := &Entry{
		Server: doc.Server, Packages: doc.Packages, Versions: doc.Versions,
		facts: map[string]access.ToolFacts{}, recorded: map[string][][32]byte{},
	}
	for tool, node := range doc.Tools {
		f, err := toolFacts(name, &node)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", tool, err)
		}
		f.Described, f.Source = true, "registry "+doc.Server
		e.facts[tool] = f
	}
	for _, version := range doc.Versions {
		if err := e.record(files, version); err != nil {
			return nil, fmt.Errorf("version %s: %w", version, err)
		}
	}
	return e, nil
}

// record reads the definitions of one version; the last one read is the newest.
func (e *Entry) record(files fs.FS, version string) error {
	text, err := fs.ReadFile(files, "registry/definitions/"+e.Server+"@"+version+".json")
	if err != nil {
		return err
	}
	listing, err := canon.Parse(string(text), canon.DefaultLimits())
	if err != nil {
		return err
	}
	tools, problems := ParseTools(listing)
	if len(problems) > 0 {
		return fmt.Errorf("tool %q: %s", problems[0].Name, problems[0].Detail)
	}
	e.newest, e.order = make(map[string]*Definition, len(tools)), nil
	for i := range tools {
		d := &tools[i]
		e.recorded[d.Name] = append(e.recorded[d.Name], d.Digest)
		e.newest[d.Name] = d
		e.order = append(e.order, d.Name)
	}
	return nil
}

// Known reports whether the registry has this server, by its exact name.
func (r *Registry) Known(name string) bool { return r.Entry(name) != nil }

// Entry returns the entry of a server, or nil.
func (r *Registry) Entry(name string) *Entry {
	if r == nil {
		return nil
	}
	return r.entries[name]
}

// Servers returns the names of all known servers, sorted.
func (r *Registry) Servers() []string {
	names := make([]string, 0, len(r.entries))
	for name := range r.entries {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Facts returns what is known about a tool whose definition has this digest.
// It reports false where the definition is none of the recorded ones: whoever
// changed the definition may have changed what the tool does.
func (e *Entry) Facts(tool string, definitionDigest [32]byte) (access.ToolFacts, bool) {
	if e == nil || !slices.Contains(e.recorded[tool], definitionDigest) {
		return access.ToolFacts{}, false
	}
	f, ok := e.facts[tool]
	return f, ok
}

// Newest returns the definition of a tool in the newest recorded version, or
// nil: what stands in for a live server in `policy eval`.
func (e *Entry) Newest(tool string) *Definition {
	if e == nil {
		return nil
	}
	return e.newest[tool]
}

// NewestSchema returns the input schema of [Entry.Newest].
func (e *Entry) NewestSchema(tool string) (access.Value, bool) {
	d := e.Newest(tool)
	if d == nil || d.Schema.IsAbsent() {
		return access.Value{}, false
	}
	return d.Schema, true
}

// Tools returns the tools of the newest recorded version in the order listed.
func (e *Entry) Tools() []string { return slices.Clone(e.order) }

// toolFacts reads the facts of one tool, in the form of `tools:` in a policy.
func toolFacts(file string, node *yaml.Node) (access.ToolFacts, error) {
	f, known, problems := policy.ParseToolFacts(file, node)
	if len(problems) > 0 {
		return access.ToolFacts{}, fmt.Errorf("line %d: %s", problems[0].Line, problems[0].Message)
	}
	if known != "" {
		return access.ToolFacts{}, errors.New("an entry of the registry cannot refer to another one")
	}
	return f, nil
}
