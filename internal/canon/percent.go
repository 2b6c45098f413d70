package canon

import "strings"

// decodeOnce decodes each percent escape of s once and leaves invalid escapes
// as they are: "100% done" is a name.
func decodeOnce(s string) string {
	i := escapeAt(s, 0)
	if i < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for ; i >= 0; i = escapeAt(s, 0) {
		b.WriteString(s[:i])
		b.WriteByte(escaped(s[i:]))
		s = s[i+3:]
	}
	b.WriteString(s)
	return b.String()
}

// decodeFully decodes s until no valid escape is left. An escape cannot overlap
// another, so the order of decoding does not matter and one pass that looks
// back is enough: `%25252e` costs its length, however deep it is nested.
func decodeFully(s string) string {
	if escapeAt(s, 0) < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for _, c := range []byte(s) {
		out = append(out, c)
		for n := len(out); n >= 3 && isEscape(string(out[n-3:])); n = len(out) {
			out[n-3] = escaped(string(out[n-3:]))
			out = out[:n-2]
		}
	}
	return string(out)
}

// escapeAt returns the index of the first valid escape from i on, or -1.
func escapeAt(s string, i int) int {
	for {
		at := strings.IndexByte(s[i:], '%')
		if at < 0 {
			return -1
		}
		if i += at; isEscape(s[i:]) {
			return i
		}
		i++
	}
}

// isEscape reports whether s begins with a valid escape.
func isEscape(s string) bool {
	if len(s) < 3 || s[0] != '%' {
		return false
	}
	_, high := hexDigit(s[1])
	_, low := hexDigit(s[2])
	return high && low
}

// escaped returns the byte that the escape at the start of s stands for.
func escaped(s string) byte {
	high, _ := hexDigit(s[1])
	low, _ := hexDigit(s[2])
	return high<<4 | low
}
