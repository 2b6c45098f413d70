package proof

import (
	"regexp/syntax"
	"strings"
)

// instance returns a value that a pattern of names, paths or URLs matches. It
// is a guess that deciding checks, not a promise: character classes and
// alternatives are resolved to their first.
func instance(pattern string) string {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; c {
		case '\\':
			if i++; i < len(pattern) {
				b.WriteByte(pattern[i])
			}
		case '*':
			if i+1 < len(pattern) && pattern[i+1] == '*' {
				i++
			}
			b.WriteByte('x')
		case '?':
			b.WriteByte('x')
		case '[', '{':
			end := strings.IndexByte(pattern[i:], map[byte]byte{'[': ']', '{': '}'}[c])
			if end < 0 {
				b.WriteByte(c)
				continue
			}
			b.WriteString(first(pattern[i+1:i+end], c))
			i += end
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// first returns the first choice of a class or of alternatives.
func first(inside string, open byte) string {
	if open == '{' {
		choice, _, _ := strings.Cut(inside, ",")
		return instance(choice)
	}
	if inside == "" || inside[0] == '!' || inside[0] == '^' {
		return "~"
	}
	return inside[:1]
}

// pathInstance returns a path that a pattern matches, with ~ resolved.
func pathInstance(pattern, home string) string {
	if rest, ok := strings.CutPrefix(pattern, "~"); ok {
		return home + instance(rest)
	}
	if rest, ok := strings.CutPrefix(pattern, "**"); ok {
		return "/x" + instance(rest)
	}
	return instance(pattern)
}

// below returns a path that the first pattern matches and the second one too,
// as far as joining them can give one.
func below(outer, inner, home string) string {
	rest, ok := strings.CutPrefix(inner, "**/")
	if !ok {
		return pathInstance(inner, home)
	}
	dir := strings.TrimSuffix(strings.TrimSuffix(outer, "/**"), "**")
	return strings.TrimSuffix(pathInstance(dir, home), "/") + "/" + instance(rest)
}

// commandInstances returns a command for each alternative of a pattern.
func commandInstances(pattern string) []string {
	out := []string{""}
	for i, word := range strings.Fields(pattern) {
		var next []string
		for _, choice := range strings.Split(word, "|") {
			for _, head := range out {
				if i > 0 {
					head += " "
				}
				next = append(next, head+strings.NewReplacer("*", "x", "?", "x").Replace(choice))
			}
		}
		out = next[:min(len(next), 32)]
	}
	return out
}

// textInstance returns a text that a regular expression matches, "" where it is
// none.
func textInstance(pattern string) string {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return ""
	}
	var b strings.Builder
	writeInstance(&b, re.Simplify(), 0)
	return b.String()
}

func writeInstance(b *strings.Builder, re *syntax.Regexp, depth int) {
	if depth > 64 || b.Len() > 4096 {
		return
	}
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			b.WriteRune(r)
		}
	case syntax.OpCharClass:
		if len(re.Rune) > 0 {
			b.WriteRune(re.Rune[0])
		}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte('x')
	case syntax.OpCapture, syntax.OpPlus, syntax.OpAlternate:
		writeInstance(b, re.Sub[0], depth+1)
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			writeInstance(b, sub, depth+1)
		}
	case syntax.OpRepeat:
		for range re.Min {
			writeInstance(b, re.Sub[0], depth+1)
		}
	default: // stars, options, anchors: the empty text
	}
}
