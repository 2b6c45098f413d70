package importer

import (
	"slices"
	"strings"
)

// maxPaths bounds the patterns that one condition becomes.
const maxPaths = 64

// places writes path_pattern with extension, source_path and dest_path.
func (t *acpWriter) places() {
	if len(t.rule.conditions["path_pattern"])+len(t.rule.conditions["extension"])+len(t.rule.conditions["source_path"])+len(t.rule.conditions["dest_path"]) == 0 {
		return
	}
	at := t.rule.node.pos
	if t.once("paths") {
		t.stricter(at, "the first path among the top-level arguments, with dot segments folded",
			"every path of the call for what grants and any for what restricts, in every reading (percent-decoded, through symbolic links; restrictions in any case), here and in the rules below")
	}
	t.condition("paths", t.rule.conditions["path_pattern"], t.rule.conditions["extension"])
	t.condition("from", t.rule.conditions["source_path"], nil)
	t.condition("to", t.rule.conditions["dest_path"], nil)
}

// condition writes one place condition.
func (t *acpWriter) condition(key string, globs, extensions []*node) {
	if len(globs)+len(extensions) == 0 {
		return
	}
	t.extensionNotes(extensions)
	var out []string
	for _, g := range globs {
		out = append(out, t.path(g, extensions)...)
	}
	if len(globs) == 0 {
		for _, e := range extensions {
			out = append(out, t.suffixed(nil, e)...)
		}
	}
	out = slices.Compact(out)
	switch {
	case len(out) > maxPaths:
		t.err(t.rule.node.pos, "the rule becomes %d path patterns: make it several", len(out))
	case len(out) == 0 && t.never == "":
		t.never = "its paths can be written by no pattern that grants no more"
	default:
		t.out.list(key, out)
	}
}

// path writes one pattern, below a condition on the extension if there is one.
func (t *acpWriter) path(g *node, extensions []*node) []string {
	if strings.Contains(g.value, `\`) {
		t.err(g.pos, `the pattern %s holds a \, which means nothing certain in the original`, show(g.value))
		return nil
	}
	tokens := acpPath(g.value)
	if strings.HasPrefix(g.value, "~") {
		return t.home(g, tokens, extensions)
	}
	if t.side() == within && !strings.HasPrefix(g.value, "/") && !strings.HasPrefix(g.value, "**") {
		t.stricter(g.pos, "the relative path "+show(g.value)+" as sent", "it is left out: a relative path is granted nothing")
		return nil
	}
	if extensions == nil {
		return t.native(g, tokens)
	}
	var out []string
	for _, e := range extensions {
		out = append(out, t.suffixed(tokens, e)...)
	}
	return out
}

// home writes a pattern that begins with ~. The original knows no home, and
// compares the character as sent.
func (t *acpWriter) home(g *node, tokens []token, extensions []*node) []string {
	if t.side() == within {
		t.stricter(g.pos, "a path that begins with the character ~", "it is left out: write the directory")
		return nil
	}
	t.stricter(g.pos, "a path that begins with the character ~", "the home directory too")
	var out []string
	for _, start := range [][]token{nil, {tokenDeep, tokenSlash}} {
		form := append(slices.Clone(start), tokens...)
		if extensions == nil {
			out = append(out, t.native(g, form)...)
		}
		for _, e := range extensions {
			out = append(out, t.suffixed(form, e)...)
		}
	}
	return out
}

// native writes tokens in the direction of the rule.
func (t *acpWriter) native(g *node, tokens []token) []string {
	out, exact := native(tokens, t.side())
	if !exact && t.rule.effect == "hitl" {
		if out, _ = native(tokens, covers); len(out) > 0 {
			t.broader = true
		}
	}
	switch {
	case len(out) == 0 && t.rule.effect != "allow":
		t.err(g.pos, "the pattern %s has empty or dot segments, and paths are compared without", show(g.value))
	case !exact && len(out) == 0:
		t.stricter(g.pos, "what "+show(g.value)+" matches", "it is left out: it cannot be written")
	case !exact:
		t.stricter(g.pos, "what "+show(g.value)+" matches", "everything below "+show(strings.TrimSuffix(out[0], "/**")))
	}
	return out
}

// extensionNotes reports what a file's extension means here.
func (t *acpWriter) extensionNotes(extensions []*node) {
	if len(extensions) == 0 {
		return
	}
	at := t.rule.at("extension")
	switch {
	case t.rule.effect == "deny":
		t.stricter(at, "files with a name before the extension", "a file named by the extension alone, as .env, is meant too")
	case t.once("extension of grants"):
		t.stricter(at, "extensions in any case", "as written, here and in the rules below")
	}
}

// suffixed writes a pattern that also ends in an extension; nil tokens are any
// path.
func (t *acpWriter) suffixed(tokens []token, e *node) []string {
	ext := e.value
	if !strings.HasPrefix(ext, ".") {
		if t.side() == within {
			t.remark(e.pos, "the extension %s has no dot, so it never matched: it is left out", show(ext))
			return nil
		}
		t.stricter(e.pos, "nothing: the extension "+show(ext)+" has no dot", "."+ext)
		ext = "." + ext
	}
	if t.side() == within && (strings.Count(ext, ".") > 1 || ext == ".") || strings.Contains(ext, "/") {
		t.remark(e.pos, "%s is no extension of any file, so it never matched: it is left out", show(ext))
		return nil
	}
	full, ok := withSuffix(tokens, ext, t.side())
	if !ok {
		return nil
	}
	return t.native(e, full)
}

// withSuffix narrows a pattern to paths that end in ext. It reports false where
// none do.
func withSuffix(tokens []token, ext string, s side) ([]token, bool) {
	var suffix []token
	for i := range len(ext) {
		suffix = append(suffix, escaped(ext[i]))
	}
	name := []token{tokenStar}
	if s == within {
		name = []token{{kind: one}, tokenStar} // a name before the extension
	}
	n := len(tokens)
	switch {
	case n == 0, n == 1 && (tokens[0].kind == crossing || tokens[0].kind == deep):
		return slices.Concat([]token{tokenDeep, tokenSlash}, name, suffix), true
	case tokens[n-1].kind == deep:
		return slices.Concat(tokens, []token{tokenSlash}, name, suffix), true
	case tokens[n-1].kind == star && (n == 1 || tokens[n-2].kind == separator):
		return slices.Concat(tokens[:n-1], name, suffix), true
	case tokens[n-1].kind == star, tokens[n-1].kind == crossing:
		return slices.Concat(tokens, suffix), true
	}
	tail := n
	for tail > 0 && tokens[tail-1].kind == literal {
		tail--
	}
	end := write(tokens[tail:])
	switch {
	case strings.HasSuffix(strings.ToLower(end), strings.ToLower(write(suffix))):
		return tokens, true
	case len(end) >= len(ext) || tail == 0 || tokens[tail-1].kind == separator:
		return nil, false
	default:
		return tokens, s == covers
	}
}
