package term

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Escape makes text of an agent or a backend safe to print on one line. What
// could move the cursor, hide, reorder or imitate other text is shown as an
// escape: control characters, ANSI sequences, bidirectional and zero-width
// characters, variation selectors, tags, private use, invalid UTF-8. Letters
// of every script, marks and ordinary spaces stay.
func Escape(s string) string {
	if clean(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case printable(r):
			b.WriteString(s[:n])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r <= 0xFFFF:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		s = s[n:]
	}
	return b.String()
}

func clean(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] >= 0x7F {
			return slowClean(s)
		}
	}
	return true
}

func slowClean(s string) bool {
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if (r == utf8.RuneError && n == 1) || !printable(r) {
			return false
		}
		s = s[n:]
	}
	return true
}

// printable reports whether a rune shows itself and nothing else.
func printable(r rune) bool {
	switch {
	case r == ' ':
		return true
	case unicode.Is(unicode.Variation_Selector, r), unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r):
		return false
	case r == 0x115F, r == 0x1160, r == 0x3164, r == 0xFFA0: // blank letters
		return false
	default:
		return unicode.IsPrint(r)
	}
}

// Clip shortens escaped text to at most n runes, with an ellipsis.
func Clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	runes := []rune(s)
	return string(runes[:n-1]) + "…"
}
