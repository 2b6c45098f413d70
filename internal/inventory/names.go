package inventory

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/custos-zt/custos/internal/canon"
)

// maxName is the longest tool name in code points (MCP, "tool names").
const maxName = 128

// unfitName says why a tool of this name must not be called: a name that
// cannot be shown as it is cannot be approved either. "" where it may be.
func unfitName(name string) string {
	if utf8.RuneCountInString(name) > maxName {
		return fmt.Sprintf("the name is longer than %d characters", maxName)
	}
	for _, r := range name {
		if !unicode.IsGraphic(r) || (unicode.IsSpace(r) && r != ' ') || invisible(r) {
			return "the name contains a character that does not show"
		}
	}
	return ""
}

// quarantineTwins puts every definition under quarantine whose name is the
// same as another's, or would be taken for it.
func quarantineTwins(n int, at func(i int) *Definition) {
	seen := make(map[string]int, n)
	for i := range n {
		look := appearance(at(i).Name)
		first, twin := seen[look]
		if !twin {
			seen[look] = i
			continue
		}
		detail := "the name is listed twice"
		if at(first).Name != at(i).Name {
			detail = "the name can be taken for another tool's"
		}
		for _, j := range []int{first, i} {
			if at(j).Quarantine == "" {
				at(j).Quarantine = detail
			}
		}
	}
}

// appearance reduces a name to what a reader takes it for: case folded,
// compatibility forms decomposed, invisible characters dropped, letters of other
// scripts replaced by the Latin ones they look like. Two names with one
// appearance are confusable.
//
// The limit: the golang.org/x/text modules carry no confusables table (UTS
// #39), so [homoglyph] lists the Cyrillic, Greek and Armenian letters and the
// dashes that pass for ASCII in common fonts. Look-alikes inside ASCII (0 and
// o, 1 and l, rn and m) and in other scripts are not recognised.
func appearance(name string) string {
	name = norm.NFKD.String(canon.Fold(name))
	return strings.Map(func(r rune) rune {
		if invisible(r) {
			return -1
		}
		return homoglyph(r)
	}, name)
}

// invisible reports characters that take no place in a line of text.
func invisible(r rune) bool {
	switch {
	case unicode.In(r, unicode.Cf, unicode.Variation_Selector):
		return true
	case r == 0x034F, r == 0x115F, r == 0x1160, r == 0x3164, r == 0xFFA0: // grapheme joiner, Hangul fillers
		return true
	case r == 0x2800: // blank Braille pattern
		return true
	default:
		return false
	}
}

// homoglyph returns the ASCII character that r, folded in case, passes for.
// Every letter on the left is one that only looks like ASCII.
func homoglyph(r rune) rune {
	if r < utf8.RuneSelf {
		return r
	}
	switch r {
	case 'а', 'α', 'ɑ':
		return 'a'
	case 'в', 'β':
		return 'b'
	case 'с', 'ϲ':
		return 'c'
	case 'ԁ':
		return 'd'
	case 'е', 'ε', 'є':
		return 'e'
	case 'ɡ', 'ց':
		return 'g'
	case 'һ', 'н', 'հ':
		return 'h'
	case 'і', 'ι', 'ı':
		return 'i'
	case 'ј', 'ϳ':
		return 'j'
	case 'к', 'κ':
		return 'k'
	case 'ӏ', 'ǀ':
		return 'l'
	case 'м', 'μ':
		return 'm'
	case 'η', 'ո':
		return 'n'
	case 'о', 'ο', 'օ', 'σ':
		return 'o'
	case 'р', 'ρ':
		return 'p'
	case 'ԛ':
		return 'q'
	case 'ѕ':
		return 's'
	case 'т', 'τ':
		return 't'
	case 'υ', 'ս':
		return 'u'
	case 'ѵ', 'ν':
		return 'v'
	case 'ԝ', 'ω':
		return 'w'
	case 'х', 'χ':
		return 'x'
	case 'у', 'γ', 'ү':
		return 'y'
	case 'ζ':
		return 'z'
	case '‐', '‑', '‒', '–', '—', '―', '−', '⁃':
		return '-'
	default:
		return r
	}
}
