package importer

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// constraint writes what an argument of an allow rule must be. It reports
// false where no value can meet it, so that the rule grants nothing.
func (r *reader) constraint(f field) (line, bool) {
	n := f.node
	l := line{key: r.argPath(f)}
	what := "the constraint on " + f.name
	if !r.keys(n, what, "type", "pattern", "enum", "min", "max", "required", "description") {
		return l, false
	}
	l.comment = r.text(present(n.get("description")), "description")
	types := r.argType(present(n.get("type")), f.name)
	var specs []string
	if types != "" {
		specs = append(specs, "type: "+types)
	}
	if p := present(n.get("pattern")); p != nil {
		specs = append(specs, r.pythonPattern(p))
	}
	enum, possible := r.enum(present(n.get("enum")), f.name)
	specs = append(specs, enum...)
	specs = append(specs, r.bounds(n, f.name, types)...)
	switch required := present(n.get("required")); {
	case required == nil:
		r.stricter(f.pos, "that a call without "+f.name+" is allowed", "it must be there (optional: true undoes that)")
	case !r.flag(required, "required", true):
		specs = append(specs, "optional: true")
	}
	l.text = "{" + strings.Join(specs, ", ") + "}"
	return l, possible
}

// argType reads a type. The original ignores one it does not know.
func (r *reader) argType(n *node, arg string) string {
	s := strings.ToLower(r.text(n, "type"))
	switch s {
	case "":
	case "string", "boolean", "number":
	case "integer":
		if r.once("5.0") {
			r.wider(n.pos, "that 5.0 is no integer", "it is one: JSON has one kind of number")
		}
	case "array", "object", "null":
		r.stricter(n.pos, "nothing: the original does not know the type "+s+" and lets every value pass", "the value must be of that type")
	default:
		known := []string{"string", "integer", "boolean", "number", "array", "object", "null"}
		r.err(n.pos, "%s is not a type: %s%s", show(s), strings.Join(known, ", "), typeHint(s, known))
		return ""
	}
	if s == "integer" || s == "number" {
		r.notBool(n.pos, arg)
	}
	return s
}

// typeHint knows Python's names for the types.
func typeHint(s string, known []string) string {
	for i, names := range [][]string{{"str", "text"}, {"int", "long"}, {"bool"}, {"float", "double"}, {"list", "tuple"}, {"dict", "map"}, {"none", "nil"}} {
		if slices.Contains(names, s) {
			return ` (did you mean "` + known[i] + `"?)`
		}
	}
	return didYouMean(s, known)
}

func (r *reader) notBool(at pos, arg string) {
	if r.once("bool " + arg + " " + strconv.Itoa(at.line)) {
		r.stricter(at, "that true is the number 1 and false is 0", "they are no numbers, so "+arg+" cannot be true")
	}
}

// enum writes the values that are allowed.
func (r *reader) enum(n *node, arg string) (specs []string, possible bool) {
	if n == nil {
		return nil, true
	}
	items := r.list(n, "enum")
	if n.kind == list && len(items) == 0 {
		r.stricter(n.pos, "nothing: the original ignores an empty enum and lets every value pass", "no value is in it, so the rule is left out")
		return nil, false
	}
	var values, patterns []string
	dollar := false
	for _, i := range items {
		switch i.kind {
		case list, object:
			r.err(i.pos, "an enum holds text, numbers, true, false and null")
		case boolean, number:
			r.notBool(i.pos, arg)
		default:
		}
		values = append(values, i.scalar())
		patterns = append(patterns, regexp.QuoteMeta(i.value))
		dollar = dollar || i.kind == text && strings.HasPrefix(i.value, "$")
	}
	if !dollar {
		return []string{"enum: [" + strings.Join(values, ", ") + "]"}, true
	}
	// A word that begins with $ names a list of the language.
	if slices.ContainsFunc(items, func(i *node) bool { return i.kind != text }) {
		r.err(n.pos, "an enum with a text that begins with $ can hold text only")
	}
	return []string{"pattern: " + quote("(?:"+strings.Join(patterns, "|")+")")}, true
}

// bounds writes min and max, which are whole numbers in the original.
func (r *reader) bounds(n *node, arg, types string) []string {
	var out []string
	var values []int64
	for _, name := range []string{"min", "max"} {
		b := present(n.get(name))
		if b == nil {
			continue
		}
		v, err := strconv.ParseInt(b.value, 10, 64)
		if b.kind != number || err != nil {
			r.err(b.pos, "%s is a whole number", name)
			continue
		}
		if types == "" {
			r.notBool(b.pos, arg)
		}
		values = append(values, v)
		out = append(out, name+": "+b.value)
	}
	if len(values) == 2 && values[0] > values[1] {
		r.err(n.pos, "no number is at least %d and at most %d", values[0], values[1])
	}
	return out
}

// otherRegexp matches what Python and RE2 read differently, or only one of
// them at all.
var otherRegexp = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\\[pPQEC]|\\x\{|\[\[:|\{,|\(\?U`) })

// asciiClass matches classes that hold letters of every script in Python.
var asciiClass = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\\[dDwWsSbB]`) })

// pythonPattern writes a regular expression. The original asks for a match at
// the start of the value; here the whole value must match.
func (r *reader) pythonPattern(n *node) string {
	s := r.text(n, "pattern")
	p := strings.ReplaceAll(s, `\Z`, `\z`)
	if len(p) > 4096 {
		r.err(n.pos, "the pattern is longer than 4096 characters")
	} else if m := otherRegexp().FindString(p); m != "" {
		r.err(n.pos, "the pattern %s holds %s, which Python and RE2 read differently: write it in another way", show(s), m)
	} else if _, err := regexp.Compile(p); err != nil {
		r.err(n.pos, "the pattern %s: %s (RE2 syntax, without look-around and back references)", show(s), strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	if strings.HasPrefix(p, "^") && strings.HasSuffix(p, "$") {
		r.stricter(n.pos, "that a line break may follow the match", "the whole value must match")
	} else {
		r.stricter(n.pos, "that a value which begins with a match passes, whatever follows", "the whole value must match")
	}
	if asciiClass().MatchString(p) {
		r.remark(n.pos, `\d, \w, \s and \b mean ASCII here, and every script in the original`)
	}
	return "pattern: " + quote(p)
}
