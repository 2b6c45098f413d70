package importer

import (
	"slices"
	"strings"
)

// mcp-acp matches names of tools in any case, and here case counts. A grant is
// written as it stands: it grants less. A restriction is written as it stands
// too, unless something grants tools by a pattern: then a tool with another
// spelling of the name would slip by, and the usual spellings are added.

// spellings are the forms of a name that a rule lists.
func (t *acpWriter) spellings(name string) []string {
	out := []string{name}
	add := func(s string) {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	add(strings.ToLower(name))
	if t.slipsBy() {
		lower := strings.ToLower(name)
		add(capital(lower))
		words := strings.Split(lower, "_")
		for i, w := range words {
			words[i] = capital(w)
		}
		add(strings.Join(words, "_"))
		add(strings.ToUpper(name))
	}
	return out
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// slipsBy reports whether some rule grants tools by a pattern that this rule is
// to restrict.
func (t *acpWriter) slipsBy() bool {
	if t.rule.effect == "allow" {
		return false
	}
	return slices.ContainsFunc(t.all, func(c *acpRule) bool {
		grants := c.effect == "allow" || c.effect == "hitl" && t.rule.effect == "deny"
		globs, named := c.conditions["tool_name"]
		wild := slices.ContainsFunc(globs, func(g *node) bool { return strings.ContainsAny(g.value, "*?[") })
		return grants && c.kinds&aboutTools != 0 && (!named || wild) && mayMeet(t.rule, c)
	})
}

// letterCase reports what became of any case.
func (t *acpWriter) letterCase() {
	globs := t.rule.values("tool_name")
	if !slices.ContainsFunc(globs, func(g string) bool { return strings.ToLower(g) != strings.ToUpper(g) }) {
		return
	}
	at := t.rule.at("tool_name")
	switch {
	case t.slipsBy():
		t.wider(at, "tool names in any case", "the spellings that rule "+t.out.id+" lists: deny any other that the server has")
	case t.rule.effect != "deny":
		if t.once("case of grants") {
			t.stricter(at, "tool names in any case", "upper and lower case count in names, here and in the rules below")
		}
	}
}

// mayMeet reports whether some request could match both rules. It errs towards
// true.
func mayMeet(a, b *acpRule) bool {
	if a.kinds&b.kinds == 0 {
		return false
	}
	for name, meet := range map[string]func(x, y string) bool{
		"tool_name":    globsMeet,
		"backend_id":   globsMeet,
		"path_pattern": pathsMeet,
		"source_path":  pathsMeet,
		"dest_path":    pathsMeet,
		"operations":   strings.EqualFold,
		"extension":    strings.EqualFold,
		"scheme":       strings.EqualFold,
		"subject_id":   func(x, y string) bool { return x == y },
	} {
		xs, inA := a.conditions[name]
		ys, inB := b.conditions[name]
		if inA && inB && !anyPair(xs, ys, meet) {
			return false
		}
	}
	return true
}

func anyPair(xs, ys []*node, meet func(x, y string) bool) bool {
	for _, x := range xs {
		for _, y := range ys {
			if meet(x.value, y.value) {
				return true
			}
		}
	}
	return false
}

func globsMeet(x, y string) bool {
	x, y = strings.ToLower(x), strings.ToLower(y)
	wildX, wildY := strings.ContainsAny(x, "*?["), strings.ContainsAny(y, "*?[")
	switch {
	case wildX && wildY:
		return endsMeet(x, y)
	case wildX:
		return fnmatch(x, y)
	default:
		return fnmatch(y, x)
	}
}

// endsMeet compares what stands before the first and behind the last wildcard.
func endsMeet(x, y string) bool {
	const wild = "*?[]"
	startX, startY := x[:strings.IndexAny(x, wild)], y[:strings.IndexAny(y, wild)]
	endX, endY := x[strings.LastIndexAny(x, wild)+1:], y[strings.LastIndexAny(y, wild)+1:]
	return (strings.HasPrefix(startX, startY) || strings.HasPrefix(startY, startX)) &&
		(strings.HasSuffix(endX, endY) || strings.HasSuffix(endY, endX))
}

// pathsMeet compares what stands before the first wildcard.
func pathsMeet(x, y string) bool {
	before := func(s string) string {
		if i := strings.IndexAny(s, "*?"); i >= 0 {
			return s[:i]
		}
		return s
	}
	x, y = before(x), before(y)
	n := min(len(x), len(y))
	return strings.EqualFold(x[:n], y[:n])
}

// acpPrecedence reports where a rule that asks a person went before one that
// denies, which it never does here.
func (r *reader) acpPrecedence(c *acpRule, rules []*acpRule) {
	if c.effect != "hitl" {
		return
	}
	var denies []string
	for _, d := range rules {
		if d.effect == "deny" && mayMeet(c, d) {
			denies = append(denies, d.id)
		}
	}
	if n := len(denies); n > 4 {
		denies = append(denies[:3], "others")
	}
	if len(denies) > 0 {
		r.stricter(c.node.pos, "that rule "+c.id+" asks a person even where a rule denies", "the denial stands ("+strings.Join(denies, ", ")+")")
	}
}
