package index

import (
	"encoding/json"
	"strconv"
	"strings"
)

// walker reads compact JSON from left to right.
type walker struct {
	s string
	i int
}

// literal takes an exact text.
func (w *walker) literal(text string) bool {
	if !strings.HasPrefix(w.s[w.i:], text) {
		return false
	}
	w.i += len(text)
	return true
}

// object takes an object, calling member before each value.
func (w *walker) object(member func(w *walker, name string) bool) bool {
	if !w.literal("{") {
		return false
	}
	if w.literal("}") {
		return true
	}
	for {
		name, ok := w.text()
		if !ok || !w.literal(":") || !member(w, name) {
			return false
		}
		if w.literal("}") {
			return true
		}
		if !w.literal(",") {
			return false
		}
	}
}

// text takes a string without its escapes.
func (w *walker) text() (string, bool) {
	raw, ok := w.quoted()
	if !ok || strings.IndexByte(raw, '\\') < 0 {
		return raw, ok
	}
	// Escapes are rare: what hostile names hold.
	return unescape(raw)
}

// quoted takes a string and returns what stands between its quotes.
func (w *walker) quoted() (string, bool) {
	if w.i >= len(w.s) || w.s[w.i] != '"' {
		return "", false
	}
	start := w.i + 1
	for i := start; i < len(w.s); i++ {
		switch c := w.s[i]; {
		case c == '"':
			w.i = i + 1
			return w.s[start:i], true
		case c == '\\':
			i++
		case c < ' ':
			return "", false
		}
	}
	return "", false
}

// texts takes an array of strings.
func (w *walker) texts() (list []string, ok bool) {
	if !w.literal("[") {
		return nil, false
	}
	if w.literal("]") {
		return nil, true
	}
	for {
		s, ok := w.text()
		if !ok {
			return nil, false
		}
		list = append(list, s)
		if w.literal("]") {
			return list, true
		}
		if !w.literal(",") {
			return nil, false
		}
	}
}

// number takes a whole number.
func (w *walker) number() (int64, bool) {
	start := w.i
	for w.i < len(w.s) && (w.s[w.i] == '-' || '0' <= w.s[w.i] && w.s[w.i] <= '9') {
		w.i++
	}
	n, err := strconv.ParseInt(w.s[start:w.i], 10, 64)
	return n, err == nil
}

// skip takes any value. Inside of brackets it only counts them: who wrote the
// line wrote JSON, and what is not is found by who decodes it.
func (w *walker) skip() bool {
	depth := 0
	for w.i < len(w.s) {
		switch w.s[w.i] {
		case '"':
			if _, ok := w.quoted(); !ok {
				return false
			}
		case '{', '[':
			depth++
			w.i++
		case '}', ']':
			if depth == 0 {
				return false
			}
			depth--
			w.i++
		case ',':
			if depth == 0 {
				return false
			}
			w.i++
			continue
		default:
			w.i++
			if depth == 0 && w.i < len(w.s) && !strings.ContainsRune(",}]", rune(w.s[w.i])) {
				continue
			}
		}
		if depth == 0 {
			return true
		}
	}
	return false
}

// unescape resolves the escapes of what stands between the quotes of a JSON
// string.
func unescape(raw string) (string, bool) {
	var s string
	err := json.Unmarshal([]byte(`"`+raw+`"`), &s)
	return s, err == nil
}
