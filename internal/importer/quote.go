package importer

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

var (
	// plainWord matches text that needs no quotes in YAML, whatever its version
	// and wherever it stands.
	plainWord = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9_./-]*$`) })
	// notText matches words that some reader of YAML takes for no text.
	notText = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?i:y|n|yes|no|on|off|true|false|null)$`) })
)

// quote writes text as a YAML scalar.
func quote(s string) string {
	switch {
	case plainWord().MatchString(s) && !notText().MatchString(s):
		return s
	case strings.Contains(s, `\`) && !strings.Contains(s, "'") && allPrint(s):
		return "'" + s + "'" // regular expressions stay readable
	default:
		return doubleQuote(s)
	}
}

func allPrint(s string) bool {
	for _, c := range s {
		if !strconv.IsPrint(c) || c == '\ufffd' {
			return false
		}
	}
	return true
}

func doubleQuote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case strconv.IsPrint(c):
			b.WriteRune(c)
		case c < 0x100:
			fmt.Fprintf(&b, `\x%02x`, c)
		case c < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			fmt.Fprintf(&b, `\U%08x`, c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// scalar writes a value of the source as a YAML scalar.
func (n *node) scalar() string {
	if n.kind == text {
		return quote(n.value)
	}
	if n.kind == null {
		return "null"
	}
	return n.value
}
