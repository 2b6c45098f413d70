package importer

import (
	"regexp"
	"strings"
	"sync"

	"github.com/bmatcuk/doublestar/v4"
)

// A path pattern of another system is read into tokens and written as one or
// several native patterns. In native patterns `*` and `?` stay within a
// segment, `**` is any number of segments and stands alone in one, and
// `dir/**` includes dir.
type token struct {
	kind tokenKind
	text string // of literal and class, as it is written natively
}

type tokenKind uint8

const (
	literal   tokenKind = iota
	separator           // /
	star                // any run within a segment
	crossing            // any run, separators included
	loose               // as crossing, where a narrower star will do for a grant
	deep                // any number of whole segments: ** that stands alone
	one                 // one character of a segment
	oneAny              // one character, a separator included; text is it without
)

// side says which way a translation may err.
type side uint8

const (
	within side = iota // for what grants: nothing beyond the original
	covers             // for what restricts: all of the original
)

// maxAlternatives bounds how many native patterns one pattern becomes.
const maxAlternatives = 16

// native writes tokens as native patterns. It reports false where the original
// cannot be written: then a grant has fewer patterns than it needs, and a
// restriction covers the whole directory before the first wildcard.
func native(tokens []token, s side) (patterns []string, exact bool) {
	forms := [][]token{nil}
	for i := range tokens {
		var next [][]token
		for _, alternative := range choices(tokens, i, s) {
			for _, f := range forms {
				next = append(next, append(f[:len(f):len(f)], alternative...))
			}
		}
		if forms = next; len(forms) > maxAlternatives {
			if s == within {
				return nil, false
			}
			return []string{fallback(tokens)}, false
		}
	}
	for _, f := range forms {
		p := asPattern(f)
		if dir := strings.TrimSuffix(p, "/**"); dir != p && emptyStar().MatchString(dir) {
			patterns = append(patterns, dir)
		}
		if p != "" {
			patterns = append(patterns, p)
		}
	}
	return patterns, len(patterns) > 0
}

// emptyStar matches directories whose last star may stand for nothing: then
// dir/** does not take in the directory itself, and it is listed too.
var emptyStar = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[^/*]\*$`) })

// choices are the native forms of one token.
func choices(tokens []token, i int, s side) [][]token {
	t := tokens[i]
	switch t.kind {
	case crossing:
		return crossings(tokens, i, s)
	case loose:
		if s == within && i > 0 {
			return [][]token{{tokenStar}}
		}
		return crossings(tokens, i, s)
	case oneAny:
		if s == within {
			return [][]token{{{kind: literal, text: t.text}}}
		}
		return [][]token{{{kind: literal, text: t.text}}, {{kind: separator}}}
	default:
		return [][]token{{t}}
	}
}

var (
	tokenStar  = token{kind: star}
	tokenSlash = token{kind: separator}
	tokenDeep  = token{kind: deep}
)

// crossings writes a run that may cross separators. What stands around it in
// its segment decides: `a` run `b` is a*b, or a*/**/*b over several segments.
func crossings(tokens []token, i int, s side) [][]token {
	first := i == 0
	open := first || tokens[i-1].kind == separator
	last := i == len(tokens)-1
	shut := last || tokens[i+1].kind == separator
	switch {
	case open && shut && first: // ** or **/x
		return [][]token{{tokenDeep}}
	case open && shut && s == covers:
		return [][]token{{tokenDeep}}
	case open && shut && last: // x/**, which begins below x
		return [][]token{{tokenDeep, tokenSlash, tokenStar}}
	case open && shut: // x/**/y with something in between
		return [][]token{{tokenStar, tokenSlash, tokenDeep}}
	case open:
		return [][]token{{tokenDeep, tokenSlash, tokenStar}}
	case shut:
		return [][]token{{tokenStar, tokenSlash, tokenDeep}}
	default:
		return [][]token{{tokenStar}, {tokenStar, tokenSlash, tokenDeep, tokenSlash, tokenStar}}
	}
}

// fallback is the directory before the first wildcard and all below it.
func fallback(tokens []token) string {
	end := 0
	for i, t := range tokens {
		if t.kind == separator {
			end = i
		} else if t.kind != literal {
			break
		}
	}
	return strings.TrimSuffix(write(tokens[:end]), "/") + "/**"
}

// asPattern writes a form, or "" where it is no path: with empty or dot segments.
func asPattern(tokens []token) string {
	s := write(tokens)
	if s == "" || s != "/" && strings.HasSuffix(s, "/") {
		return ""
	}
	for _, segment := range strings.Split(strings.TrimPrefix(s, "/"), "/") {
		if segment == "" || segment == "." || segment == ".." {
			return ""
		}
	}
	// **/**/ says no more than **/.
	for strings.Contains(s, "**/**") {
		s = strings.ReplaceAll(s, "**/**", "**")
	}
	if !doublestar.ValidatePattern(s) {
		return ""
	}
	return s
}

func write(tokens []token) string {
	var b strings.Builder
	for _, t := range tokens {
		switch t.kind {
		case separator:
			b.WriteByte('/')
		case star:
			b.WriteByte('*')
		case deep:
			b.WriteString("**")
		case one:
			b.WriteByte('?')
		default:
			b.WriteString(t.text)
		}
	}
	return b.String()
}

// escaped writes a character that stands for itself.
func escaped(c byte) token {
	if strings.IndexByte(`*?[]{}\`, c) >= 0 {
		return token{kind: literal, text: `\` + string(rune(c))}
	}
	return token{kind: literal, text: string([]byte{c})}
}

// acpPath reads a path pattern of mcp-acp: ** is any run of characters, * and
// ? stay within a segment, everything else stands for itself.
func acpPath(s string) []token {
	var out []token
	if trimmed := strings.TrimRight(s, "/"); trimmed != "" {
		s = trimmed
	}
	for i := 0; i < len(s); i++ {
		switch {
		case s[i:] == "**" && len(out) > 0 && out[len(out)-1].kind == separator:
			i++
			out = append(out, tokenDeep) // dir/** includes dir, as it does here
		case strings.HasPrefix(s[i:], "**"):
			for i+1 < len(s) && s[i+1] == '*' {
				i++
			}
			out = append(out, token{kind: crossing})
		case s[i] == '*':
			out = append(out, tokenStar)
		case s[i] == '?':
			out = append(out, token{kind: one})
		case s[i] == '/':
			out = append(out, tokenSlash)
		default:
			out = append(out, escaped(s[i]))
		}
	}
	return out
}
