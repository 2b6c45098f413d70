package importer

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// airsPaths writes allowed_paths and denied_paths as rules that deny, so that
// no policy grants beyond them, and the directories that the server blocks
// whatever it is told.
func (r *reader) airsPaths(at pos, files *node) {
	allowed := r.texts(conditionOf(files, "allowed_paths"), "allowed_paths", false)
	denied := r.texts(conditionOf(files, "denied_paths"), "denied_paths", false)
	if len(allowed) == 0 {
		r.err(at, "At least one allowed path pattern must be specified")
	}
	for i, n := range allowed {
		if !airsValid(n.value) {
			r.err(n.pos, "Invalid allowed path pattern #%d: %s", i+1, show(n.value))
		}
		if n.value == "**" || n.value == "/**" {
			r.warn(n.pos, "Extremely permissive allowed path pattern detected - consider restricting access")
		}
	}
	for i, n := range denied {
		if !airsValid(n.value) {
			r.err(n.pos, "Invalid denied path pattern #%d: %s", i+1, show(n.value))
		}
	}
	if r.refused() {
		return
	}
	r.doc.rules = append(r.doc.rules, &rule{
		comment: []string{"The server blocks these whatever its configuration says."},
		id:      r.id("system-paths"), effect: "deny", targets: []string{"*"},
		parts: []part{{key: "paths", words: []string{"/etc/**", "/root/**", "/sys/**", "/proc/**", "/dev/**", "/boot/**"}}},
	})
	if paths := r.airsPatterns(denied, covers); len(paths) > 0 {
		r.deny("denied-paths", r.from(denied[0].pos)+": denied_paths go before everything.", "$denied_paths", definition{name: "denied_paths", words: paths})
	}
	paths := r.airsPatterns(allowed, within)
	if len(paths) == 0 {
		r.err(at, "none of the allowed paths can be written: give absolute directories")
		return
	}
	r.deny("outside-allowed-paths", r.from(allowed[0].pos)+": whatever a policy grants must lie within allowed_paths.",
		`{any: ["**"], except: $allowed_paths}`, definition{name: "allowed_paths", words: paths})
}

func (r *reader) deny(id, why, paths string, list definition) {
	r.doc.define = append(r.doc.define, list)
	r.doc.rules = append(r.doc.rules, &rule{
		comment: []string{why}, id: r.id(id), effect: "deny", targets: []string{"*"}, parts: []part{{key: "paths", text: paths}},
	})
}

// airsPatterns writes globs of the server, in which * also crosses separators.
func (r *reader) airsPatterns(globs []*node, s side) []string {
	var out []string
	for _, g := range globs {
		if strings.HasPrefix(g.value, "./") || g.value == "." {
			r.airsRelative(g, s)
			continue
		}
		patterns, exact := r.airsPattern(g, s)
		switch {
		case len(patterns) == 0 && s == covers:
			r.err(g.pos, "the pattern %s has empty or dot segments, and paths are compared without", show(g.value))
		case !exact && s == covers:
			r.stricter(g.pos, "what "+show(g.value)+" matches", "everything below "+show(strings.TrimSuffix(patterns[0], "/**")))
		case !exact:
			r.stricter(g.pos, "what "+show(g.value)+" matches", "it is left out: it cannot be written")
		}
		for _, p := range patterns {
			if !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	return out
}

func (r *reader) airsRelative(g *node, s side) {
	if s == covers {
		r.err(g.pos, "%s is relative to where the server was started: write the directory", show(g.value))
		return
	}
	r.stricter(g.pos, "the directory that the server is started in", "it is left out: write the directory")
}

// airsPattern writes one glob.
func (r *reader) airsPattern(g *node, s side) ([]string, bool) {
	if strings.Contains(g.value, "{") && strings.Contains(g.value, `\`) {
		return nil, false
	}
	var out []string
	all := true
	for _, form := range braces(g.value) {
		tokens := globset(form)
		patterns, exact := native(tokens, s)
		out, all = append(out, patterns...), all && exact
		if s == within && narrowed(tokens) && r.once("airs star") {
			r.stricter(g.pos, "that * and ? match separators too", "they stay within a directory, here and in the patterns below")
		}
	}
	return out, all
}

// narrowed reports whether a star says less here than in the original.
func narrowed(tokens []token) bool {
	for i, t := range tokens {
		if t.kind == oneAny || t.kind == loose && i > 0 && (i < 2 || tokens[i-1].kind != separator || tokens[i-2].kind != deep) {
			return true
		}
	}
	return false
}

// globset reads a glob of the Rust crate of that name.
func globset(s string) []token {
	var out []token
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case strings.HasPrefix(s[i:], "**") && (i == 0 || s[i-1] == '/') && (i+2 == len(s) || s[i+2] == '/'):
			i++
			out = append(out, tokenDeep)
			if i+1 == len(s) && len(out) > 1 {
				out[len(out)-1].kind = crossing // all below, without the directory
			}
		case c == '*':
			for i+1 < len(s) && s[i+1] == '*' {
				i++
			}
			out = append(out, token{kind: loose})
		case c == '?':
			out = append(out, token{kind: oneAny, text: "?"})
		case c == '/':
			out = append(out, tokenSlash)
		case c == '[' || c == '{':
			t, end := group(s, i)
			out, i = append(out, t), end
		case c == '\\' && i+1 < len(s):
			i++
			out = append(out, escaped(s[i]))
		default:
			out = append(out, escaped(c))
		}
	}
	return out
}

// group reads a class, or alternatives without wildcards, and where it ends.
func group(s string, i int) (token, int) {
	if s[i] == '{' {
		if n := strings.IndexByte(s[i:], '}'); n > 0 {
			return token{kind: literal, text: s[i : i+n+1]}, i + n
		}
		return escaped(s[i]), i
	}
	set, end := class(s, i)
	if end == 0 {
		return escaped(s[i]), i
	}
	t := token{kind: literal, text: "[" + set + "]"}
	if strings.ContainsAny(set, "!^/-") && !letters().MatchString(set) {
		t.kind = oneAny // the separator may be in it
	}
	return t, end
}

// letters matches classes of letters and digits.
var letters = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?:[A-Za-z0-9_.]|a-z|A-Z|0-9)+$`) })

// braces writes out the alternatives of a glob that hold wildcards, separators
// or further braces; plain ones stay as they are.
func braces(s string) []string {
	open := strings.IndexByte(s, '{')
	if open < 0 || strings.Contains(s, `\`) {
		return []string{s}
	}
	depth, start := 0, open+1
	var parts []string
	for i := open; i < len(s); i++ {
		switch s[i] {
		case '{':
			depth++
		case '}':
			depth--
		}
		if depth == 1 && s[i] == ',' || depth == 0 {
			parts = append(parts, s[start:i])
			start = i + 1
		}
		if depth > 0 {
			continue
		}
		if !strings.ContainsAny(s[open+1:i], "*?[/{") {
			var out []string
			for _, rest := range braces(s[i+1:]) {
				out = append(out, s[:i+1]+rest)
			}
			return out
		}
		var out []string
		for _, p := range parts {
			out = append(out, braces(s[:open]+p+s[i+1:])...)
			if len(out) > maxPaths {
				return out[:maxPaths]
			}
		}
		return out
	}
	return []string{s}
}

// airsGrant writes one named policy.
func (r *reader) airsGrant(p *airsPolicy, switches map[string]bool) {
	if r.refused() {
		return
	}
	var ops []string
	for _, n := range p.operations {
		if n.value == "read" && !switches["read_allowed"] || n.value == "create_dir" && !switches["create_dir_allowed"] {
			continue
		}
		ops = append(ops, strings.Replace(n.value, "create_dir", "create", 1))
	}
	paths := r.airsPatterns(p.patterns, within)
	if len(ops) == 0 || len(paths) == 0 {
		r.remark(p.pos, "policy %s grants nothing and is left out", show(p.name))
		return
	}
	out := &rule{
		comment: r.origins(&node{pos: p.pos}, p.description), id: r.id(p.name), effect: "allow",
		targets: []string{r.options.Backend + ".*"},
	}
	out.comment = append(out.comment, "risk: "+p.risk)
	out.list("ops", ops)
	out.list("paths", paths)
	r.doc.rules = append(r.doc.rules, out)
	if r.once("airs paths") {
		r.stricter(p.pos, "the one path of the call", "source and destination, in every reading (percent-decoded, through symbolic links), here and in the policies below")
	}
}

// airsTools declares the tools of the server: it is one server, so that what
// its tools do is no guess. Operations without a tool are declared by the name
// that such a tool has elsewhere.
func (r *reader) airsTools(policies []*airsPolicy) {
	if r.options.Known != "" {
		r.doc.tools = []fact{{r.options.Backend, "{known: " + quote(r.options.Known) + "}"}}
		return
	}
	r.doc.toolsComment = "What the tools of the airs file server do."
	for _, t := range []struct{ operation, tool, facts string }{
		{"read", "read_file", "{ops: [read], side_effects: [fs_read], paths: {path: local}, not_paths: [encoding]}"},
		{"write", "write_file", "{ops: [write], side_effects: [fs_write], paths: {path: local}, not_paths: [content, encoding]}"},
		{"list", "list_directory", "{ops: [list], side_effects: [fs_read], paths: {path: local}}"},
		{"create_dir", "create_directory", "{ops: [create], side_effects: [fs_write], paths: {path: local}}"},
		{"delete", "delete_file", "{ops: [delete], side_effects: [fs_write], paths: {path: local}}"},
		{"move", "move_file", "{ops: [move], side_effects: [fs_read, fs_write], paths: {source: local, destination: local}}"},
		{"copy", "copy_file", "{ops: [copy], side_effects: [fs_read, fs_write], paths: {source: local, destination: local}}"},
	} {
		if slices.ContainsFunc(policies, func(p *airsPolicy) bool { return p.has(t.operation) }) {
			r.doc.tools = append(r.doc.tools, fact{r.options.Backend + "." + t.tool, t.facts})
		}
	}
}

// airsGaps reports what the server checks and the language does not say.
func (r *reader) airsGaps(at pos) {
	r.wider(at, "that a path with .. in it is refused", "it is folded, and judged where it leads")
	r.wider(at, "that files which are not text are refused", "contents are not looked at")
}
