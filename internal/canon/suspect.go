package canon

import "strings"

// SuspectForms returns further strings that some program may open for raw:
// raw as sent, and its lexical readings with outer white space cut, backslashes
// read as separators, NUL read as the end, control characters dropped, and the
// drive, stream and trailing dots dropped that Windows ignores. They are reason
// enough to restrict and never to grant. Relative forms stay relative, and `~`
// is left to the caller, who knows the home.
func SuspectForms(raw string) []string {
	out := []string{raw}
	f := ReadPath(raw)
	for _, s := range f.Forms {
		out = suspects(out, s)
	}
	if trimmed := strings.Trim(raw, whiteSpace); trimmed != raw {
		out = suspects(out, ReadPath(trimmed).Decoded)
	}
	return out
}

// suspects appends the suspect forms of one reading.
func suspects(out []string, s string) []string {
	out = appendNew(out, Clean(s))
	if isFileURL(s) {
		s = s[len("file:"):]
		out = appendNew(out, Clean(s))
	}
	if i := strings.IndexByte(s, 0); i >= 0 {
		out = appendNew(out, Clean(s[:i]))
	}
	if hasControl(s) {
		s = withoutControl(s)
		out = appendNew(out, Clean(s))
	}
	if strings.IndexByte(s, '\\') >= 0 {
		s = slashed(s)
		out = appendNew(out, Clean(s))
	}
	if w := windowsName(s); w != s {
		out = appendNew(out, Clean(w))
	}
	return out
}

func withoutControl(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if isControl(s, i) {
			if s[i] == 0xc2 {
				i++
			}
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// windowsName drops what Windows does not compare: the drive, the stream, dots
// and spaces at the end of a segment.
func windowsName(s string) string {
	if len(s) > 2 && s[0] == '/' && isDrive(s[1:]) {
		s = s[1:]
	}
	if isDrive(s) {
		s = s[2:]
	}
	if i := streamAt(s); i >= 0 {
		rest := strings.IndexByte(s[i:], '/')
		if rest < 0 {
			s = s[:i]
		} else {
			s = s[:i] + s[i+rest:]
		}
	}
	if !strings.Contains(s, ".") && !strings.Contains(s, " ") {
		return s
	}
	segments := strings.Split(s, "/")
	for i, segment := range segments {
		if cut := strings.TrimRight(segment, ". "); cut != "" {
			segments[i] = cut
		}
	}
	return strings.Join(segments, "/")
}
