package ocsf

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// schema is the raw schema, with inheritance and inclusion resolved: what an
// event may hold, from the files of the schema itself.
type schema struct {
	version    string
	dictionary map[string]attribute
	types      map[string]dataType
	objects    map[string]*shape
	events     map[string]*shape
	categories map[string]int
	patterns   map[string]*regexp.Regexp
}

// attribute is an attribute as the dictionary or one class describes it.
type attribute struct {
	Type        string               `json:"type"`
	IsArray     bool                 `json:"is_array"`
	Requirement string               `json:"requirement"`
	Enum        map[string]enumValue `json:"enum"`
	Sibling     string               `json:"sibling"`
	Deprecated  *json.RawMessage     `json:"@deprecated"`
	Profile     json.RawMessage      `json:"profile"`

	profile string // that must be declared for the attribute to be there
}

type enumValue struct {
	Caption string `json:"caption"`
}

type dataType struct {
	Type   string    `json:"type"`
	Regex  string    `json:"regex"`
	MaxLen int       `json:"max_len"`
	Range  []float64 `json:"range"`
}

// shape is one event class or object.
type shape struct {
	Name        string                     `json:"name"`
	Caption     string                     `json:"caption"`
	UID         int                        `json:"uid"`
	Category    string                     `json:"category"`
	Extends     string                     `json:"extends"`
	Profiles    []string                   `json:"profiles"`
	Constraints map[string][]string        `json:"constraints"`
	Raw         map[string]json.RawMessage `json:"attributes"`

	attributes map[string]attribute
	resolved   bool
}

// loadSchema reads the schema at $OCSF_SCHEMA or beside the checkout. It is
// Apache-2.0 and not part of this repository.
func loadSchema(t testing.TB) *schema {
	t.Helper()
	dir := os.Getenv("OCSF_SCHEMA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data", "ocsf-schema")
	}
	if _, err := os.Stat(filepath.Join(dir, "dictionary.json")); err != nil {
		t.Skipf("the OCSF schema is not here: name a checkout of ocsf-schema in $OCSF_SCHEMA (%v)", err)
	}
	s := &schema{dictionary: map[string]attribute{}, objects: map[string]*shape{}, events: map[string]*shape{}, categories: map[string]int{}, patterns: map[string]*regexp.Regexp{}}
	var version struct{ Version string }
	read(t, filepath.Join(dir, "version.json"), &version)
	s.version = version.Version
	var dictionary struct {
		Attributes map[string]attribute
		Types      struct{ Attributes map[string]dataType }
	}
	read(t, filepath.Join(dir, "dictionary.json"), &dictionary)
	s.dictionary, s.types = dictionary.Attributes, dictionary.Types.Attributes
	var categories struct {
		Attributes map[string]struct{ UID int }
	}
	read(t, filepath.Join(dir, "categories.json"), &categories)
	for name, c := range categories.Attributes {
		s.categories[name] = c.UID
	}
	s.readShapes(t, filepath.Join(dir, "objects"), s.objects)
	s.readShapes(t, filepath.Join(dir, "events"), s.events)
	for _, set := range []map[string]*shape{s.objects, s.events} {
		for _, one := range set {
			s.resolve(t, dir, set, one)
		}
	}
	return s
}

func read(t testing.TB, path string, to any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, to)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func (s *schema) readShapes(t testing.TB, dir string, to map[string]*shape) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".json") {
			return err
		}
		one := &shape{}
		read(t, path, one)
		to[one.Name] = one
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// resolve lays the attributes of a shape over those of what it extends and of
// the profiles that it includes.
func (s *schema) resolve(t testing.TB, dir string, set map[string]*shape, one *shape) {
	t.Helper()
	if one.resolved {
		return
	}
	one.resolved, one.attributes = true, map[string]attribute{}
	constraints := map[string][]string{}
	if parent := set[one.Extends]; parent != nil {
		s.resolve(t, dir, set, parent)
		maps.Copy(one.attributes, parent.attributes)
		maps.Copy(constraints, parent.Constraints)
		one.Profiles = append(one.Profiles, parent.Profiles...)
		if one.Category == "" {
			one.Category = parent.Category
		}
	}
	// A class's own constraints replace those of what it extends.
	if one.Constraints != nil {
		constraints = one.Constraints
	}
	one.Constraints = constraints
	if inc, ok := one.Raw["$include"]; ok {
		var files []string
		if err := json.Unmarshal(inc, &files); err != nil {
			t.Fatalf("%s: %v", one.Name, err)
		}
		for _, f := range files {
			var p shape
			read(t, filepath.Join(dir, f), &p)
			for name, raw := range p.Raw {
				one.lay(t, name, raw, p.Name)
			}
		}
		delete(one.Raw, "$include")
	}
	for name, raw := range one.Raw {
		one.lay(t, name, raw, "")
	}
}

// lay puts one description of an attribute over what is known of it.
func (one *shape) lay(t testing.TB, name string, raw json.RawMessage, profile string) {
	t.Helper()
	a := one.attributes[name]
	if profile != "" {
		a.profile = profile
	}
	enum := a.Enum
	a.Enum, a.Profile = nil, nil
	if err := json.Unmarshal(raw, &a); err != nil {
		t.Fatalf("%s.%s: %v", one.Name, name, err)
	}
	switch string(a.Profile) {
	case "":
	case "null": // the class has it, declared or not
		a.profile = ""
	default:
		if err := json.Unmarshal(a.Profile, &a.profile); err != nil {
			t.Fatalf("%s.%s: %v", one.Name, name, err)
		}
	}
	merged := maps.Clone(enum)
	if merged == nil {
		merged = map[string]enumValue{}
	}
	maps.Copy(merged, a.Enum)
	a.Enum = merged
	one.attributes[name] = a
}
