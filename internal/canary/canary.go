// Package canary finds known secrets in text that is about to leave Custos, and
// puts their names in their place.
//
// A [Matcher] knows exact values: whatever configuration or a vault resolves.
// It finds each as it is and in the encodings in which text travels: escaped in
// JSON (once or twice), base64 at any alignment, percent-encoded, hexadecimal.
// It knows no patterns: a secret that nobody named is not found.
//
// Records, sealed content and error messages go through one; see package
// redact. A Matcher is immutable and safe for concurrent use, and a nil one
// finds nothing.
package canary

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// Secret is one known value. Name is what appears in its place, and is no secret.
type Secret struct {
	Name  string
	Value string
}

// MinLength is the least length of a value, in bytes. Shorter ones occur in
// innocent text, which masking would make unreadable.
const MinLength = headSize

// headSize is how much of a pattern the search looks for first.
const headSize = 8

// ErrShort refuses a value that is too short to be searched for.
var ErrShort = errors.New("canary: the value is too short to be told from other text")

// pattern is one encoding of one secret.
type pattern struct {
	text string
	name int
}

// Matcher finds secrets.
type Matcher struct {
	names []string
	// filter says which two bytes may begin a pattern; heads has the patterns by
	// their first eight.
	filter [1 << 16 / 64]uint64
	heads  map[uint64][]pattern
}

// New returns a matcher for secrets, or nil where there are none. An error
// names the secret and never repeats it.
func New(secrets []Secret) (*Matcher, error) {
	if len(secrets) == 0 {
		return nil, nil //nolint:nilnil // a nil Matcher finds nothing
	}
	m := &Matcher{heads: map[uint64][]pattern{}}
	for i, s := range secrets {
		if len(s.Value) < MinLength {
			return nil, fmt.Errorf("%s: %w (at least %d bytes)", s.Name, ErrShort, MinLength)
		}
		m.names = append(m.names, plainName(s.Name))
		for _, text := range encodings(s.Value) {
			m.add(pattern{text, i})
		}
	}
	return m, nil
}

func (m *Matcher) add(p pattern) {
	m.filter[two(p.text)/64] |= 1 << (two(p.text) % 64)
	k := head(p.text)
	m.heads[k] = append(m.heads[k], p)
}

// two and head read the first bytes of s, which MUST have them.
func two(s string) uint { return uint(s[0]) | uint(s[1])<<8 }

func head(s string) uint64 {
	var b [headSize]byte
	copy(b[:], s)
	return binary.LittleEndian.Uint64(b[:])
}

// plainName keeps what no encoding changes, so that a name fits wherever a
// secret stood.
func plainName(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("_-.:/", r):
			return r
		}
		return '_'
	}, s)
}

// Mask returns s with every secret replaced by "[secret NAME]", and whether
// there was one. Without one it returns s itself and allocates nothing. The
// beginning of a secret at the end of a text that was cut short counts too,
// from eight bytes on.
func (m *Matcher) Mask(s string) (string, bool) {
	if m == nil {
		return s, false
	}
	var out strings.Builder
	done := 0
	for i := 0; i+headSize <= len(s); {
		name, n := m.at(s, i)
		if n == 0 {
			i++
			continue
		}
		out.WriteString(s[done:i])
		out.WriteString("[secret " + m.names[name] + "]")
		i += n
		done = i
	}
	if done == 0 {
		return s, false
	}
	out.WriteString(s[done:])
	return out.String(), true
}

// Find reports whether s holds a secret.
func (m *Matcher) Find(s string) bool {
	if m == nil {
		return false
	}
	for i := 0; i+headSize <= len(s); i++ {
		if _, n := m.at(s, i); n > 0 {
			return true
		}
	}
	return false
}

// at returns the secret that begins at s[i] and how long it is there; 0 is none.
// Of several encodings the longest counts.
func (m *Matcher) at(s string, i int) (name, length int) {
	rest := s[i:]
	if t := two(rest); m.filter[t/64]&(1<<(t%64)) == 0 {
		return 0, 0
	}
	for _, p := range m.heads[head(rest)] {
		n := 0
		switch {
		case strings.HasPrefix(rest, p.text):
			n = len(p.text)
		default:
			if short, was := cut(rest); was && strings.HasPrefix(p.text, short) {
				n = len(short)
			}
		}
		if n > length {
			name, length = p.name, n
		}
	}
	return name, length
}

// cut drops what marks a text as cut short, "…" or "…[4242 bytes]", and reports
// whether it was there.
func cut(s string) (string, bool) {
	i := strings.LastIndex(s, "…")
	if i < headSize {
		return s, false
	}
	tail := s[i+len("…"):]
	return s[:i], tail == "" || strings.HasPrefix(tail, "[") && strings.HasSuffix(tail, " bytes]")
}
