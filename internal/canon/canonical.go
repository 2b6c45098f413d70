package canon

import (
	"crypto/sha256"
	"hash"
	"slices"
	"strings"

	"github.com/custos-zt/custos/access"
)

// AppendCanonical appends the canonical JSON of v to dst: members sorted by
// the bytes of their keys, no white space, strings with the escapes of
// RFC 8785 §3.2.2.2 and no others, number literals as they were sent. Two
// values have one canonical form exactly if they differ at most in the order
// of members, white space and escapes. An absent value appends nothing.
func AppendCanonical(dst []byte, v access.Value) []byte {
	w := writer{buf: dst}
	w.value(v)
	return w.buf
}

// Digest returns the SHA-256 of the canonical JSON of v.
func Digest(v access.Value) [32]byte {
	w := writer{buf: make([]byte, 0, flushAt+512), hash: sha256.New()}
	w.value(v)
	return w.sum()
}

// requestDomain keeps digests of requests apart from those of any JSON text:
// no JSON text begins with a letter other than t, f or n.
const requestDomain = "custos request 1\n"

// RequestDigest identifies what is asked: the method and the whole params
// without what a client makes anew each time it asks the same (see volatile), and
// without a `_meta` that held nothing else. Approvals bind to it. It is the
// SHA-256 of "custos request 1\n" and the canonical JSON of [method] or
// [method, params].
func RequestDigest(method string, params access.Value) [32]byte {
	w := writer{buf: make([]byte, 0, flushAt+512), hash: sha256.New()}
	w.buf = append(w.buf, requestDomain...)
	w.buf = append(w.buf, '[')
	w.string(method)
	if !params.IsAbsent() {
		w.buf = append(w.buf, ',')
		w.value(withoutVolatile(params))
	}
	w.buf = append(w.buf, ']')
	return w.sum()
}

// flushAt is how much canonical text is collected before it is hashed, so that
// the digest of a large call needs no second copy of it.
const flushAt = 4096

// writer appends canonical JSON to buf, and empties buf into hash where there
// is one.
type writer struct {
	buf  []byte
	hash hash.Hash
}

func (w *writer) sum() (out [32]byte) {
	w.hash.Write(w.buf)
	w.hash.Sum(out[:0])
	return out
}

func (w *writer) value(v access.Value) {
	switch v.Kind() {
	case access.String:
		w.string(v.Text())
	case access.Array:
		w.buf = append(w.buf, '[')
		for i := range v.Len() {
			if i > 0 {
				w.buf = append(w.buf, ',')
			}
			w.value(v.At(i).Value)
		}
		w.buf = append(w.buf, ']')
	case access.Object:
		w.object(v.Members())
	default:
		w.text(v.Raw())
	}
}

func (w *writer) object(members []access.Member) {
	var few [16]int
	order := append(few[:0], make([]int, len(members))...)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(members[a].Key, members[b].Key) })
	w.buf = append(w.buf, '{')
	for n, i := range order {
		if n > 0 {
			w.buf = append(w.buf, ',')
		}
		w.string(members[i].Key)
		w.buf = append(w.buf, ':')
		w.value(members[i].Value)
	}
	w.buf = append(w.buf, '}')
}

// text appends s as it is, in pieces where there is a hash to feed.
func (w *writer) text(s string) {
	if w.hash == nil {
		w.buf = append(w.buf, s...)
		return
	}
	for len(s) > flushAt {
		w.buf = append(w.buf, s[:flushAt]...)
		s = s[flushAt:]
		w.flush()
	}
	w.buf = append(w.buf, s...)
	if len(w.buf) > flushAt {
		w.flush()
	}
}

func (w *writer) flush() {
	w.hash.Write(w.buf)
	w.buf = w.buf[:0]
}

// string appends s quoted.
func (w *writer) string(s string) {
	w.buf = append(w.buf, '"')
	for {
		i := stringStop(s, 0)
		w.text(s[:i])
		if i == len(s) {
			break
		}
		w.escape(s[i])
		s = s[i+1:]
	}
	w.buf = append(w.buf, '"')
}

func (w *writer) escape(c byte) {
	const hexits = "0123456789abcdef"
	switch c {
	case '"', '\\':
		w.buf = append(w.buf, '\\', c)
	case '\b':
		w.buf = append(w.buf, '\\', 'b')
	case '\f':
		w.buf = append(w.buf, '\\', 'f')
	case '\n':
		w.buf = append(w.buf, '\\', 'n')
	case '\r':
		w.buf = append(w.buf, '\\', 'r')
	case '\t':
		w.buf = append(w.buf, '\\', 't')
	default:
		w.buf = append(w.buf, '\\', 'u', '0', '0', hexits[c>>4], hexits[c&15])
	}
}
