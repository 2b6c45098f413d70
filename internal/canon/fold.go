package canon

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Fold returns the form in which restrictions compare text: Unicode
// compatibility form and full case folding, without characters that are not
// shown (Unicode's NFKC_Casefold). Two names that some file system takes for
// one have one form; bytes that are not UTF-8 become U+FFFD. Fold never
// justifies a grant.
func Fold(s string) string {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return foldUnicode(s)
		}
	}
	return strings.ToLower(s) // returns s itself where nothing changes
}

// maxFolds bounds the search for a fixpoint; no known text needs three rounds.
const maxFolds = 8

// foldUnicode repeats until nothing changes, since normalising can make what
// folds, and folding what normalises.
func foldUnicode(s string) string {
	for range maxFolds {
		next := norm.NFKC.String(s)
		next = cases.Fold().String(next)
		next = norm.NFKC.String(strings.Map(visible, next))
		if next == s {
			break
		}
		s = next
	}
	return s
}

// visible drops default ignorable code points (Unicode, DerivedCoreProperties).
func visible(r rune) rune {
	switch {
	case r < 0x80:
		return r
	case 0xfff9 <= r && r <= 0xfffb, 0x13430 <= r && r <= 0x1343f, unicode.Is(unicode.Prepended_Concatenation_Mark, r):
		return r
	case unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point):
		return -1
	}
	return r
}

// FoldPaths returns the distinct folded forms of paths. Folding can make
// separators and dot segments out of other characters ("‥" becomes ".."), so
// each is given as folded and cleaned after that.
func FoldPaths(paths []string) []string {
	out := make([]string, 0, len(paths))
	for _, p := range paths {
		folded := Fold(p)
		out = appendNew(out, folded)
		out = appendNew(out, Clean(folded))
	}
	return out
}
