package canon

import (
	"path"
	"slices"
	"strings"
)

// PathForm is what one string says when it is taken for a path. The readings
// are lexical; what the kernel makes of them is for the caller to find out.
type PathForm struct {
	// Raw is the string as sent.
	Raw string
	// Unwrapped is Raw without file://.
	Unwrapped string
	// Decoded is Unwrapped with percent escapes decoded until none is left,
	// unwrapped again.
	Decoded string
	// Forms are the distinct strings that a program may open for Raw, not yet
	// cleaned or joined to a base: Unwrapped, the steps of decoding it, Decoded.
	// A program that decodes once sees a step that is neither the first nor the
	// last: "a%252fb/%2e%2e/%2e%2e/x".
	Forms []string

	// Absolute says that Unwrapped begins with a slash.
	Absolute bool

	// Each of the following holds if it does for Raw or for one of Forms.

	Home    bool // "~", "~/x", "~user/x"
	Drive   bool // "C:x", "file:///C:/x"
	UNC     bool // `\\server\x`, "//?/x", "file://server/x"
	Stream  bool // NTFS "x::$DATA"; a colon alone is part of a POSIX name
	Scheme  bool // "https://x", "file:x"
	Control bool // NUL and other control characters: C0, DEL, C1
	// Doubtful is everything else that programs are known to open differently:
	// backslashes that lead upwards if they separate, white space before a
	// path that is absolute without it, a file URL with a query, more levels
	// of percent escapes than anyone writes in earnest.
	Doubtful bool
}

// maxSteps is the number of times a program is thought to decode one path.
const maxSteps = 4

// ReadPath reads raw as a path.
func ReadPath(raw string) PathForm {
	f := PathForm{Raw: raw}
	f.see(raw)
	s := raw
	if trimmed := strings.TrimLeft(raw, whiteSpace); trimmed != raw && leavesBase(trimmed) {
		f.Doubtful = true
		s = trimmed
	}
	f.Unwrapped = f.unwrap(s)
	f.Absolute = strings.HasPrefix(f.Unwrapped, "/")
	f.add(f.Unwrapped)
	if s != raw {
		f.add(raw)
	}
	step := f.Unwrapped
	for range maxSteps {
		next := f.unwrap(decodeOnce(step))
		if next == step {
			break
		}
		f.add(next)
		step = next
	}
	f.Decoded = f.unwrap(decodeFully(step))
	if f.Decoded != step {
		f.Doubtful = true
		f.add(f.Decoded)
	}
	return f
}

// Grantable reports whether the path may satisfy a grant at all, given a base
// where it is relative.
func (f *PathForm) Grantable() bool {
	return !f.Home && !f.Drive && !f.UNC && !f.Stream && !f.Scheme && !f.Control && !f.Doubtful
}

// whiteSpace is what URL parsers and trimming servers cut.
const whiteSpace = "\x00\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"

// leavesBase reports whether s, read without a base, is not relative.
func leavesBase(s string) bool {
	return strings.HasPrefix(s, "/") || strings.HasPrefix(s, `\`) || isHome(s) || isDrive(s) || hasScheme(s) || isFileURL(s)
}

func (f *PathForm) add(s string) {
	if !slices.Contains(f.Forms, s) {
		f.Forms = append(f.Forms, s)
		f.see(s)
	}
}

// see sets the flags that s calls for.
func (f *PathForm) see(s string) {
	f.Home = f.Home || isHome(s)
	f.Drive = f.Drive || isDrive(s)
	f.UNC = f.UNC || isUNC(s)
	f.Stream = f.Stream || streamAt(s) >= 0
	f.Scheme = f.Scheme || hasScheme(s) && !isFileURL(s)
	f.Control = f.Control || hasControl(s)
	if strings.IndexByte(s, '\\') >= 0 {
		f.Doubtful = f.Doubtful || s[0] == '\\' || climbs(slashed(s))
	}
}

// unwrap removes file:// from s.
func (f *PathForm) unwrap(s string) string {
	if !isFileURL(s) {
		return s
	}
	rest, isURL := strings.CutPrefix(s[len("file:"):], "//")
	if !isURL {
		f.Scheme = true // "file:/x" is a URL to some and a name to others
		return s
	}
	at := strings.IndexByte(rest, '/')
	if at < 0 {
		at = len(rest)
	}
	host, p := rest[:at], rest[at:]
	if host != "" && !strings.EqualFold(host, "localhost") {
		f.UNC = true
	}
	if p == "" {
		f.Doubtful = true
		p = "/"
	}
	f.Drive = f.Drive || isDrive(p[1:])
	if cut := strings.IndexAny(p, "?#"); cut >= 0 {
		// Who parses the URL opens what stands before, who cuts the prefix all.
		f.Doubtful = true
		f.add(p[:cut])
		f.add(decodeFully(p[:cut]))
	}
	return p
}

// Clean returns p with doubled separators and dot segments folded, without
// looking at a disk: a symbolic link before ".." leads elsewhere. A leading
// "//" becomes "/", a relative path keeps the ".." it begins with, and the empty
// path is ".".
func Clean(p string) string { return path.Clean(p) }

// Join returns rel based on base, cleaned; an absolute rel stands alone.
func Join(base, rel string) string {
	if strings.HasPrefix(rel, "/") {
		return Clean(rel)
	}
	return Clean(base + "/" + rel)
}

// LexicalReadings returns the distinct clean readings of form. Relative ones
// are joined to base, or stay relative where it is empty.
func LexicalReadings(form PathForm, base string) []string {
	out := make([]string, 0, len(form.Forms))
	for _, s := range form.Forms {
		if base == "" {
			out = appendNew(out, Clean(s))
		} else {
			out = appendNew(out, Join(base, s))
		}
	}
	return out
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
