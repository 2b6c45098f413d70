package canon

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// path sets u.Path from the path as sent, and completes u.Others.
func (u *URLForm) path(raw string) {
	p := raw
	if u.special() && strings.IndexByte(p, '\\') >= 0 {
		u.Doubtful = true
		p = slashed(p)
	}
	if p == "" {
		p = "/"
	}
	u.Path = foldDots(normalEscapes(p))
	u.Doubtful = u.Doubtful || hasControl(p)
	for i := range u.Others {
		u.Others[i].Scheme, u.Others[i].Port, u.Others[i].Path = u.Scheme, u.Port, u.Path
	}
	// A server may decode what RFC 3986 keeps apart, and drop parameters of
	// segments ("..;x"), before it folds.
	far := withoutParameters(slashed(decodeFully(p)))
	if climbs(withoutParameters(slashed(decodeFully(u.Path)))) {
		u.Doubtful = true
	}
	if far = path.Clean("/" + far); far != u.Path && far+"/" != u.Path {
		alike := *u
		alike.Path, alike.Others = far, nil
		u.Others = append(u.Others, alike)
	}
}

// normalEscapes decodes the escapes of unreserved and of visible non-ASCII
// characters, writes all others in upper case, and escapes what must be.
func normalEscapes(s string) string {
	const upper = "0123456789ABCDEF"
	var b strings.Builder
	for s != "" {
		c, n := s[0], 1
		if isEscape(s) {
			c, n = escaped(s), 3
		}
		if c >= 0x80 {
			if r, n := escapedRune(s); n > 0 {
				b.WriteRune(r)
				s = s[n:]
				continue
			}
		}
		if n == 1 && 0x20 < c && c < 0x7f && c != '%' || isUnreserved(c) {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', upper[c>>4], upper[c&15]})
		}
		s = s[n:]
	}
	return b.String()
}

// escapedRune reads the visible non-ASCII character at the start of s, whose
// bytes are escaped or not, and its length there; 0 if there is none.
func escapedRune(s string) (rune, int) {
	var buf [utf8.UTFMax]byte
	at := 0
	for i := range buf {
		if at >= len(s) {
			break
		}
		if isEscape(s[at:]) {
			buf[i] = escaped(s[at:])
			at += 3
		} else {
			buf[i] = s[at]
			at++
		}
		if r, n := utf8.DecodeRune(buf[:i+1]); n == i+1 && r != utf8.RuneError {
			if unicode.IsGraphic(r) && !unicode.IsSpace(r) {
				return r, at
			}
			return 0, 0
		}
	}
	return 0, 0
}

func isUnreserved(c byte) bool {
	return isLetter(c) || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

// foldDots removes dot segments (RFC 3986 §5.2.4). Doubled slashes stay: they
// are part of a URL.
func foldDots(p string) string {
	segments := strings.Split(p, "/")[1:]
	out := make([]string, 0, len(segments))
	for i, segment := range segments {
		last := i == len(segments)-1
		switch segment {
		case "..":
			if len(out) > 0 {
				out = out[:len(out)-1]
			}
			if last {
				out = append(out, "")
			}
		case ".":
			if last {
				out = append(out, "")
			}
		default:
			out = append(out, segment)
		}
	}
	return "/" + strings.Join(out, "/")
}

func withoutParameters(p string) string {
	if strings.IndexByte(p, ';') < 0 {
		return p
	}
	segments := strings.Split(p, "/")
	for i, segment := range segments {
		segments[i], _, _ = strings.Cut(segment, ";")
	}
	return strings.Join(segments, "/")
}
