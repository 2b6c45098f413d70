package canon

import (
	"math/bits"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// string reads the string at pos and returns its content: a part of src where
// nothing is escaped, else one copy. lone accepts lone surrogates.
func (s *scanner) string(lone bool) (string, error) {
	open := s.pos
	s.pos++
	escapes := false
	for {
		s.pos = stringStop(s.src, s.pos)
		if s.pos >= len(s.src) {
			return "", &Error{Malformed, open, "string without end"}
		}
		switch s.src[s.pos] {
		case '"':
			body := s.src[open+1 : s.pos]
			s.pos++
			if escapes {
				return unescape(body), nil
			}
			return body, nil
		case '\\':
			escapes = true
			if err := s.escape(lone); err != nil {
				return "", err
			}
		default:
			return "", s.unexpected("no raw control character in a string")
		}
	}
}

// stringStop returns the first index from i on that holds a quote, a backslash
// or a control character, or len(s). Eight bytes at a time: long strings are
// what large calls are made of.
func stringStop(s string, i int) int {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	for ; i+8 <= len(s); i += 8 {
		b := s[i : i+8]
		x := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
			uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		quote, slash := x^(ones*'"'), x^(ones*'\\')
		// A borrow can only make a false hit above a true one, and the lowest
		// hit is the one that is used.
		hit := ((quote-ones)&^quote | (slash-ones)&^slash | (x-ones*0x20)&^x) & highs
		if hit != 0 {
			return i + bits.TrailingZeros64(hit)/8
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c == '"' || c == '\\' || c < 0x20 {
			return i
		}
	}
	return i
}

// escape checks the escape at pos and moves behind it.
func (s *scanner) escape(lone bool) error {
	if s.pos+1 >= len(s.src) {
		return &Error{Malformed, s.pos, "escape without end"}
	}
	switch s.src[s.pos+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos += 2
		return nil
	case 'u':
	default:
		return &Error{Malformed, s.pos, "unknown escape"}
	}
	r, ok := hex4(s.src, s.pos+2)
	if !ok {
		return &Error{Malformed, s.pos, "\\u without four hexadecimal digits"}
	}
	if !utf16.IsSurrogate(r) {
		s.pos += 6
		return nil
	}
	if strings.HasPrefix(s.src[s.pos+6:], `\u`) {
		low, ok := hex4(s.src, s.pos+8)
		if !ok {
			return &Error{Malformed, s.pos + 6, "\\u without four hexadecimal digits"}
		}
		if utf16.DecodeRune(r, low) != utf8.RuneError {
			s.pos += 12
			return nil
		}
	}
	if lone {
		s.pos += 6
		return nil
	}
	return &Error{Ambiguous, s.pos, "lone surrogate"}
}

func hex4(s string, at int) (rune, bool) {
	if at+4 > len(s) {
		return 0, false
	}
	var r rune
	for _, c := range []byte(s[at : at+4]) {
		d, ok := hexDigit(c)
		if !ok {
			return 0, false
		}
		r = r<<4 | rune(d)
	}
	return r, true
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// unescape decodes a string body whose escapes were checked.
func unescape(body string) string {
	var b strings.Builder
	b.Grow(len(body))
	for {
		i := strings.IndexByte(body, '\\')
		if i < 0 {
			b.WriteString(body)
			return b.String()
		}
		b.WriteString(body[:i])
		n := 2
		switch c := body[i+1]; c {
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case 'u':
			r, _ := hex4(body, i+2)
			n = 6
			if utf16.IsSurrogate(r) {
				r, n = pair(r, body[i+6:])
			}
			b.WriteRune(r)
		default:
			b.WriteByte(c)
		}
		body = body[i+n:]
	}
}

// pair returns the rune of a surrogate and what follows it, and the length of
// both; U+FFFD and the length of the first where they are no pair.
func pair(high rune, rest string) (rune, int) {
	if strings.HasPrefix(rest, `\u`) {
		if low, ok := hex4(rest, 2); ok {
			if r := utf16.DecodeRune(high, low); r != utf8.RuneError {
				return r, 12
			}
		}
	}
	return utf8.RuneError, 6
}

// number reads the number at pos: -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)?
func (s *scanner) number() error {
	if s.src[s.pos] == '-' {
		s.pos++
	}
	if s.pos < len(s.src) && s.src[s.pos] == '0' {
		s.pos++
	} else if !s.digits() {
		return s.unexpected("a digit")
	}
	if s.pos < len(s.src) && s.src[s.pos] == '.' {
		s.pos++
		if !s.digits() {
			return s.unexpected("a digit")
		}
	}
	if s.pos < len(s.src) && (s.src[s.pos] == 'e' || s.src[s.pos] == 'E') {
		s.pos++
		if s.pos < len(s.src) && (s.src[s.pos] == '+' || s.src[s.pos] == '-') {
			s.pos++
		}
		if !s.digits() {
			return s.unexpected("a digit")
		}
	}
	return nil
}

// digits skips digits and reports whether there was one.
func (s *scanner) digits() bool {
	start := s.pos
	for s.pos < len(s.src) && '0' <= s.src[s.pos] && s.src[s.pos] <= '9' {
		s.pos++
	}
	return s.pos > start
}
