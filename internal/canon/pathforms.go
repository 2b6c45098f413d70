package canon

import "strings"

// isHome reports whether a shell, or what imitates one, expands the start of
// s. Names like "~$draft.docx" are not expanded.
func isHome(s string) bool {
	if s == "" || s[0] != '~' {
		return false
	}
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '/' || c == '\\':
			return true
		case isLetter(c), '0' <= c && c <= '9', strings.IndexByte("_.+-", c) >= 0:
		default:
			return false
		}
	}
	return true
}

func isDrive(s string) bool {
	return len(s) >= 2 && isLetter(s[0]) && s[1] == ':'
}

func isUNC(s string) bool {
	if len(s) < 2 {
		return false
	}
	switch s[:2] {
	case `\\`, `\/`, `/\`:
		return true
	case "//":
		return len(s) >= 4 && (s[2] == '?' || s[2] == '.') && (s[3] == '/' || s[3] == '\\')
	}
	return false
}

// streamAt returns where a form like "name::$DATA" begins to name a stream, or
// -1. A stream without a type, "name:other", cannot be told from a POSIX name.
func streamAt(s string) int {
	for from := 0; ; {
		i := strings.Index(s[from:], ":$")
		if i < 0 {
			return -1
		}
		if i += from; i+2 < len(s) && isLetter(s[i+2]) {
			segment := strings.LastIndexAny(s[:i], `/\`) + 1
			return segment + strings.IndexByte(s[segment:], ':')
		}
		from = i + 2
	}
}

// hasScheme reports whether s is an absolute URL with an authority. One letter
// is a drive.
func hasScheme(s string) bool {
	at := strings.Index(s, "://")
	return at >= 2 && isScheme(s[:at])
}

// isScheme reports whether s follows RFC 3986 §3.1.
func isScheme(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !isLetter(c) && (i == 0 || (c < '0' || c > '9') && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return s != ""
}

func isFileURL(s string) bool {
	return len(s) >= 5 && strings.EqualFold(s[:5], "file:")
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// hasControl finds C0, DEL and C1 characters.
func hasControl(s string) bool {
	for i := range len(s) {
		if isControl(s, i) {
			return true
		}
	}
	return false
}

// isControl reports whether a control character begins at s[i]. The second
// byte of a C1 character alone is none: it is the tail of many letters.
func isControl(s string, i int) bool {
	c := s[i]
	return c < 0x20 || c == 0x7f || c == 0xc2 && i+1 < len(s) && 0x80 <= s[i+1] && s[i+1] < 0xa0
}

// slashed reads backslashes as separators.
func slashed(s string) string { return strings.ReplaceAll(s, `\`, "/") }

// climbs reports whether a segment of p is "..".
func climbs(p string) bool {
	for segment := range strings.SplitSeq(p, "/") {
		if segment == ".." {
			return true
		}
	}
	return false
}
