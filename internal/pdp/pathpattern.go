package pdp

import (
	"fmt"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/custos-zt/custos/internal/canon"
)

// PathPattern is a glob over slash-separated paths with doublestar's meaning:
// `*` and `?` stay within a segment, `**` spans segments, `{a,b}` and `[a-z]`
// are alternatives, and `dir/**` includes `dir`. Common shapes are matched
// without walking the pattern.
type PathPattern struct {
	// Text is the pattern as written, `~` expanded.
	Text   string
	shape  pathShape
	lit    string // the literal, or what stands before the star
	tail   string // what stands behind the star
	folded *PathPattern
}

type pathShape uint8

const (
	pathGlob  pathShape = iota
	pathAny             // **
	pathExact           // /a/b
	pathUnder           // /a/b/**
	pathBase            // **/name
	pathLast            // **/pre*suf
	pathDir             // **/name/**
)

// meta are the characters that mean something in a path pattern.
const meta = `*?[]{}\`

// ParsePath reads a pattern. The error says what is wrong with it.
func ParsePath(text string) (PathPattern, error) {
	if !doublestar.ValidatePattern(text) {
		return PathPattern{}, fmt.Errorf("%q is not a valid path pattern", text)
	}
	p := shapePath(text)
	p.folded = &p
	if f := canon.Fold(text); f != text && doublestar.ValidatePattern(f) {
		folded := shapePath(f)
		p.folded = &folded
	}
	return p, nil
}

func shapePath(text string) PathPattern {
	p := PathPattern{Text: text}
	rest, any := strings.CutPrefix(text, "**/")
	dir, under := strings.CutSuffix(rest, "/**")
	literal := func(s string) bool { return s != "" && !strings.ContainsAny(s, meta) }
	switch {
	case text == "**":
		p.shape = pathAny
	case !any && !under && literal(text):
		p.shape, p.lit = pathExact, text
	case !any && under && literal(dir):
		p.shape, p.lit = pathUnder, dir
	case any && under && literal(dir):
		p.shape, p.lit = pathDir, dir
	case any && literal(rest):
		p.shape, p.lit = pathBase, rest
	case any && strings.Count(rest, "*") == 1 && literal(strings.Replace(rest, "*", "x", 1)) && !strings.Contains(rest, "/"):
		p.shape = pathLast
		p.lit, p.tail, _ = strings.Cut(rest, "*")
	case under:
		p.lit = strings.TrimSuffix(text, "/**")
	}
	return p
}

// Matches reports whether all of path matches.
func (p *PathPattern) Matches(path string) bool {
	switch p.shape {
	case pathAny:
		return true
	case pathExact:
		return path == p.lit
	case pathUnder:
		return strings.HasPrefix(path, p.lit) && (len(path) == len(p.lit) || path[len(p.lit)] == '/')
	case pathBase:
		return hasBase(path, p.lit)
	case pathLast:
		last := path[strings.LastIndexByte(path, '/')+1:]
		return path != "" && len(last) >= len(p.lit)+len(p.tail) && strings.HasPrefix(last, p.lit) && strings.HasSuffix(last, p.tail)
	case pathDir:
		return hasDir(path, p.lit)
	default:
		// `dir/**` includes `dir`; doublestar forgets that where dir ends in a
		// star that stands for nothing.
		return doublestar.MatchUnvalidated(p.Text, path) || p.lit != "" && doublestar.MatchUnvalidated(p.lit, path)
	}
}

// hasBase reports whether path ends in the segments of name.
func hasBase(path, name string) bool {
	return strings.HasSuffix(path, name) && (len(path) == len(name) || path[len(path)-len(name)-1] == '/')
}

// hasDir reports whether the segments of name stand anywhere in path.
func hasDir(path, name string) bool {
	for at := 0; ; {
		i := strings.Index(path[at:], name)
		if i < 0 {
			return false
		}
		start := at + i
		end := start + len(name)
		if (start == 0 || path[start-1] == '/') && (end == len(path) || path[end] == '/') {
			return true
		}
		at = start + 1
	}
}

// anyMatches reports whether one of the patterns matches path.
func anyMatches(patterns []PathPattern, path string) bool {
	for i := range patterns {
		if patterns[i].Matches(path) {
			return true
		}
	}
	return false
}

// anyFolds is anyMatches for a path that is folded in case and Unicode form.
func anyFolds(patterns []PathPattern, folded string) bool {
	for i := range patterns {
		if patterns[i].folded.Matches(folded) {
			return true
		}
	}
	return false
}
