package importer_test

import (
	"regexp"
	"strings"
)

// matchACP is the path matching of mcp-acp as its documentation has it: ** is
// any run, * and ? stay within a segment, /** at the end takes in the
// directory.
func matchACP(pattern, path string) bool {
	pattern, path = strings.TrimRight(pattern, "/"), strings.TrimRight(path, "/")
	if pattern == "" || path == "" {
		return false
	}
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		rest := pattern[i:]
		switch {
		case rest == "/**":
			b.WriteString("(/.*)?")
			i += 2
		case strings.HasPrefix(rest, "**"):
			b.WriteString(".*")
			i++
		case rest[0] == '*':
			b.WriteString("[^/]*")
		case rest[0] == '?':
			b.WriteString("[^/]")
		default:
			b.WriteString(regexp.QuoteMeta(rest[:1]))
		}
	}
	return regexp.MustCompile(`\A(?:` + b.String() + `)\z`).MatchString(path)
}
