package importer

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// kinds says what a rule of mcp-acp can be about.
type kinds uint8

const (
	aboutTools kinds = 1 << iota
	aboutResources
	aboutPrompts
	aboutMethods
	aboutAll = aboutTools | aboutResources | aboutPrompts | aboutMethods
)

// acpKinds finds what a rule can match: a condition on something that a
// request does not have never matches.
func (r *reader) acpKinds(c *acpRule) kinds {
	k := aboutAll
	limit := func(name string, to kinds) {
		if _, ok := c.conditions[name]; ok {
			k &= to
		}
	}
	for _, name := range []string{"tool_name", "operations", "side_effects", "source_path", "dest_path"} {
		limit(name, aboutTools)
	}
	limit("path_pattern", aboutTools|aboutResources)
	limit("extension", aboutTools|aboutResources)
	limit("scheme", aboutResources)
	for _, v := range c.values("resource_type") {
		k &= map[string]kinds{"tool": aboutTools, "resource": aboutResources, "prompt": aboutPrompts, "server": aboutMethods}[v]
	}
	if patterns, ok := c.conditions["mcp_method"]; ok {
		var by kinds
		for _, p := range patterns {
			by |= methodKinds(p.value)
		}
		k &= by
	}
	return k
}

func methodKinds(pattern string) kinds {
	var k kinds
	for method, kind := range map[string]kinds{"tools/call": aboutTools, "resources/read": aboutResources, "prompts/get": aboutPrompts} {
		if fnmatch(pattern, method) {
			k |= kind
		}
		if pattern == method {
			return k
		}
	}
	return k | aboutMethods
}

// fnmatch is Python's: * and ? are any characters, [a-z] is a class.
func fnmatch(pattern, s string) bool {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; c {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteByte('.')
		case '[':
			set, end := class(pattern, i)
			if end == 0 {
				b.WriteString(`\[`)
				continue
			}
			i = end
			if not, ok := strings.CutPrefix(set, "!"); ok {
				set = "^" + not
			}
			b.WriteString("[" + strings.ReplaceAll(set, `\`, `\\`) + "]")
		default:
			b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		}
	}
	re, err := regexp.Compile(`(?s)\A(?:` + b.String() + `)\z`)
	return err == nil && re.MatchString(s)
}

// class returns the inside of a class that begins at i and where it ends, or 0
// where the bracket stands for itself.
func class(pattern string, i int) (set string, end int) {
	j := i + 1
	if j < len(pattern) && pattern[j] == '!' {
		j++
	}
	if j < len(pattern) && pattern[j] == ']' {
		j++
	}
	for j < len(pattern) && pattern[j] != ']' {
		j++
	}
	if j >= len(pattern) {
		return "", 0
	}
	return pattern[i+1 : j], j
}

// names writes a glob as native names, in which only * is special. exact is
// false where they say less (within) or more (covers) than the glob.
func names(glob string, s side) (out []string, exact bool) {
	out, exact = []string{""}, true
	for i := 0; i < len(glob); i++ {
		next := []string{glob[i : i+1]}
		switch glob[i] {
		case '?':
			next, exact = []string{"*"}, false
		case '[':
			set, end := class(glob, i)
			if end == 0 {
				break
			}
			i = end
			if next = members(set); next == nil {
				next, exact = []string{"*"}, false
			}
		}
		if len(out)*len(next) > maxAlternatives {
			next, exact = []string{"*"}, false
		}
		var all []string
		for _, o := range out {
			for _, n := range next {
				all = append(all, o+n)
			}
		}
		out = all
	}
	if !exact && s == within {
		return nil, false
	}
	return out, exact
}

// members lists the characters of a class that names them one by one.
func members(set string) []string {
	if set == "" || strings.ContainsAny(set, "!-*") {
		return nil
	}
	return slices.Compact(slices.Sorted(slices.Values(strings.Split(set, ""))))
}

// targets writes what the rule is about.
func (t *acpWriter) targets() {
	c := t.rule
	if c.effect == "hitl" {
		c.kinds &^= aboutMethods // a method is not held
	}
	if c.kinds == 0 {
		t.never = "no request has everything that its conditions ask for"
		return
	}
	plain := true
	for _, name := range []string{"backend_id", "mcp_method", "resource_type", "scheme"} {
		plain = plain && c.conditions[name] == nil
	}
	if plain && c.effect == "deny" && c.kinds&aboutResources != 0 {
		t.out.targets = []string{"*"}
		return
	}
	tools := t.tools()
	for _, backend := range t.backends() {
		for _, name := range tools {
			t.add(aboutTools, t.toolOf(backend, name))
		}
		t.add(aboutResources, t.resources(backend)...)
		t.add(aboutPrompts, "prompt:"+backend+".*")
	}
	t.add(aboutMethods, t.methods()...)
	if len(t.out.targets) == 0 && t.never == "" {
		t.never = "its patterns cannot be written without granting more"
	}
}

func (t *acpWriter) add(k kinds, targets ...string) {
	if t.rule.kinds&k != 0 {
		t.out.targets = append(t.out.targets, targets...)
	}
}

// backends writes the backends of the rule: those of backend_id, else the one
// behind the proxy.
func (t *acpWriter) backends() []string {
	globs, ok := t.rule.conditions["backend_id"]
	if !ok {
		return []string{t.options.Backend}
	}
	var out []string
	for _, g := range globs {
		list, exact := t.glob(g.value)
		t.inexact(g, exact)
		for _, b := range list {
			b = strings.ToLower(b)
			name := strings.Trim(notBackend().ReplaceAllString(b, "-"), "-")
			if name == "" || len(name) > 32 {
				t.err(g.pos, "%s cannot be the name of a backend here: a-z, 0-9 and -, at most 32", show(b))
				continue
			}
			if name != b {
				t.remark(g.pos, "the backend %s is written %s: a name here has only a-z, 0-9 and -", show(b), name)
			}
			out = append(out, name)
		}
	}
	return out
}

var notBackend = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[^a-z0-9*-]+`) })

// glob writes a name in the direction of the rule; a rule that holds may cover
// more and then grants nothing.
func (t *acpWriter) glob(glob string) ([]string, bool) {
	list, exact := names(glob, t.side())
	if !exact && t.rule.effect == "hitl" {
		t.broader = true
		return names(glob, covers)
	}
	return list, exact
}

func (t *acpWriter) inexact(v *node, exact bool) {
	switch {
	case exact:
	case t.rule.effect == "allow":
		t.stricter(v.pos, "what "+show(v.value)+" matches", "it is left out: names know no pattern but *")
	default:
		t.stricter(v.pos, "what "+show(v.value)+" matches", "every name with * in that place: names know no other pattern")
	}
}

// tools writes the names of the tools.
func (t *acpWriter) tools() []string {
	globs, ok := t.rule.conditions["tool_name"]
	if !ok {
		return []string{"*"}
	}
	var out []string
	for _, g := range globs {
		list, exact := t.glob(g.value)
		t.inexact(g, exact)
		for _, n := range list {
			for _, s := range t.spellings(n) {
				if !slices.Contains(out, s) {
					out = append(out, s)
				}
			}
		}
	}
	t.letterCase()
	return out
}

func (t *acpWriter) toolOf(backend, name string) string {
	if backend == t.options.Backend && name != "*" {
		return t.tool(name)
	}
	return backend + "." + name
}
