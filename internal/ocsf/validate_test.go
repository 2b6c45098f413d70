package ocsf

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// validator checks one event by the rules of the schema server: required and
// unknown attributes, types, enumerations and the captions beside them,
// constraints, profiles, deprecated attributes and the arithmetic of type_uid.
type validator struct {
	s        *schema
	declared []string // profiles
	problems []string
}

func (v *validator) fail(path, format string, args ...any) {
	v.problems = append(v.problems, path+": "+fmt.Sprintf(format, args...))
}

// validate returns what is wrong with one event.
func (s *schema) validate(line []byte) []string {
	v := &validator{s: s}
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.UseNumber()
	var ev map[string]any
	if err := dec.Decode(&ev); err != nil {
		return []string{"not JSON: " + err.Error()}
	}
	number := func(name string) int {
		n, _ := ev[name].(json.Number)
		i, err := strconv.Atoi(n.String())
		if err != nil {
			v.fail(name, "is no number: %v", ev[name])
		}
		return i
	}
	uid := number("class_uid")
	one := s.classOf(uid)
	if one == nil {
		return append(v.problems, fmt.Sprintf("class_uid: no class has %d", uid))
	}
	if want := s.categories[one.Category]; number("category_uid") != want {
		v.fail("category_uid", "is not %d", want)
	}
	if want := uid*100 + number("activity_id"); number("type_uid") != want {
		v.fail("type_uid", "is not %d", want)
	}
	if ev["class_name"] != one.Caption {
		v.fail("class_name", "%v is not %q", ev["class_name"], one.Caption)
	}
	v.declare(ev, one)
	v.object("", ev, one)
	return v.problems
}

// classOf returns the class with a uid.
func (s *schema) classOf(uid int) *shape {
	for _, one := range s.events {
		own := one.UID
		if one.Category != "other" {
			own += s.categories[one.Category] * 1000
		}
		if own == uid && (one.UID != 0 || one.Name == "base_event") {
			return one
		}
	}
	return nil
}

// declare reads metadata.profiles, which must be profiles of the class.
func (v *validator) declare(ev map[string]any, one *shape) {
	meta, _ := ev["metadata"].(map[string]any)
	if want := strings.TrimSuffix(v.s.version, "-dev"); meta["version"] != want {
		v.fail("metadata.version", "%v is not %s", meta["version"], want)
	}
	list, _ := meta["profiles"].([]any)
	for _, p := range list {
		name := fmt.Sprint(p)
		if !slices.Contains(one.Profiles, name) {
			v.fail("metadata.profiles", "%s is no profile of %s", name, one.Name)
		}
		if slices.Contains(v.declared, name) {
			v.fail("metadata.profiles", "%s is declared twice", name)
		}
		v.declared = append(v.declared, name)
	}
}

func (v *validator) available(a attribute) bool {
	return a.profile == "" || slices.Contains(v.declared, a.profile)
}

// object checks an event or an object against its shape.
func (v *validator) object(path string, o map[string]any, one *shape) {
	at := func(name string) string { return strings.TrimPrefix(path+"."+name, ".") }
	for _, name := range slices.Sorted(maps.Keys(o)) {
		a, known := one.attributes[name]
		switch {
		case !known:
			v.fail(at(name), "is unknown in %s", one.Name)
			continue
		case !v.available(a):
			v.fail(at(name), "belongs to the profile %s, which is not declared", a.profile)
			continue
		}
		v.attribute(at(name), o, name, v.s.described(name, a))
	}
	for name, a := range one.attributes {
		if _, has := o[name]; !has && a.Requirement == "required" && v.available(a) {
			v.fail(at(name), "is required in %s", one.Name)
		}
	}
	for rule, names := range one.Constraints {
		n := 0
		for _, name := range names {
			if _, has := o[name]; has {
				n++
			}
		}
		if rule == "at_least_one" && n == 0 || rule == "just_one" && n != 1 {
			v.fail(path, "%s asks for %s of %v", one.Name, rule, names)
		}
	}
}

// described completes the attribute of a class with what the dictionary says.
func (s *schema) described(name string, a attribute) attribute {
	d := s.dictionary[name]
	if a.Type == "" {
		a.Type = d.Type
	}
	if a.Sibling == "" {
		a.Sibling = d.Sibling
	}
	if a.Deprecated == nil {
		a.Deprecated = d.Deprecated
	}
	a.IsArray = a.IsArray || d.IsArray
	enum := maps.Clone(d.Enum)
	if enum == nil {
		enum = map[string]enumValue{}
	}
	maps.Copy(enum, a.Enum)
	a.Enum = enum
	return a
}

func (v *validator) attribute(path string, in map[string]any, name string, a attribute) {
	if a.Deprecated != nil {
		v.fail(path, "is deprecated")
	}
	value := in[name]
	if !a.IsArray {
		v.value(path, value, a)
		v.enumeration(path, in, value, a)
		return
	}
	list, ok := value.([]any)
	if !ok || len(list) == 0 {
		v.fail(path, "is not an array with something in it")
		return
	}
	for i, one := range list {
		v.value(fmt.Sprintf("%s[%d]", path, i), one, a)
	}
}

// enumeration checks a number that has names, and the name beside it.
func (v *validator) enumeration(path string, in map[string]any, value any, a attribute) {
	if len(a.Enum) == 0 || path == "class_uid" || path == "category_uid" {
		return // what a class is called by is checked against the class itself
	}
	key := fmt.Sprint(value)
	known, ok := a.Enum[key]
	if !ok {
		v.fail(path, "%s is not in the enumeration", key)
		return
	}
	caption, has := in[a.Sibling]
	switch {
	case a.Sibling == "":
	case key == "99" && (!has || caption == ""):
		v.fail(path, "99 needs a name in %s", a.Sibling)
	case key != "99" && has && caption != known.Caption:
		v.fail(path, "%s is called %q, not %q", key, known.Caption, caption)
	}
}

// value checks one value against its type.
func (v *validator) value(path string, value any, a attribute) {
	if a.Type == "object" || a.Type == "json_t" {
		return // anything: unmapped, and data
	}
	if one := v.s.objects[a.Type]; one != nil {
		if o, ok := value.(map[string]any); ok {
			v.object(path, o, one)
			return
		}
		v.fail(path, "is no object")
		return
	}
	for name := a.Type; name != ""; {
		t, ok := v.s.types[name]
		if !ok {
			v.fail(path, "has the type %q, which does not exist", name)
			return
		}
		v.scalar(path, value, name, t)
		name = t.Type
	}
}

// pattern compiles each regular expression of the schema once.
func (s *schema) pattern(text string) *regexp.Regexp {
	if s.patterns[text] == nil {
		s.patterns[text] = regexp.MustCompile(text)
	}
	return s.patterns[text]
}

func (v *validator) scalar(path string, value any, name string, t dataType) {
	switch name {
	case "string_t":
		if _, ok := value.(string); !ok {
			v.fail(path, "%v is no string", value)
		}
	case "boolean_t":
		if _, ok := value.(bool); !ok {
			v.fail(path, "%v is no boolean", value)
		}
	case "integer_t", "long_t":
		n, _ := value.(json.Number)
		if _, err := n.Int64(); err != nil {
			v.fail(path, "%v is no whole number", value)
		}
	}
	text := fmt.Sprint(value)
	if t.Regex != "" && !v.s.pattern(t.Regex).MatchString(text) {
		v.fail(path, "%q is no %s", text, name)
	}
	if t.MaxLen > 0 && len(text) > t.MaxLen {
		v.fail(path, "%q is longer than %d", text, t.MaxLen)
	}
	if n, err := strconv.ParseFloat(text, 64); len(t.Range) == 2 && (err != nil || n < t.Range[0] || n > t.Range[1]) {
		v.fail(path, "%q is out of range", text)
	}
}
