package inventory

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/custos-zt/custos/access"
)

// errNotInFrame means that the result was not read from this frame. The caller
// MUST refuse the frame: passing it would show what was to be hidden.
var errNotInFrame = errors.New("the list is not part of the frame")

// FilterList removes elements from the list in a JSON-RPC response and keeps
// every other byte. frame is the text of the response, result the value of its
// `result` member, key the member of result that holds the array; keep is
// asked once for each index, in order. A removed element takes one separator
// with it. A result without such an array is returned as it is.
func FilterList(frame string, result access.Value, key string, keep func(i int) bool) (string, error) {
	list := result.Get(key)
	if list.Kind() != access.Array || list.Len() == 0 {
		return frame, nil
	}
	at, ok := memberAt(frame, "result")
	if !ok || !strings.HasPrefix(frame[at:], result.Raw()) {
		return "", errNotInFrame
	}
	in, ok := memberAt(result.Raw(), key)
	if !ok || !strings.HasPrefix(result.Raw()[in:], list.Raw()) {
		return "", errNotInFrame
	}
	at += in
	filtered, ok := filterArray(list, keep)
	if !ok {
		return "", errNotInFrame
	}
	return frame[:at] + filtered + frame[at+len(list.Raw()):], nil
}

// filterArray writes the array without the elements that are not kept. The
// text before an element is its separator; the first one kept drops it.
func filterArray(list access.Value, keep func(i int) bool) (string, bool) {
	raw := list.Raw()
	var out strings.Builder
	out.Grow(len(raw))
	end, kept := 0, 0
	for i, m := range list.Members() {
		start := elementAt(raw, end)
		if !strings.HasPrefix(raw[start:], m.Value.Raw()) {
			return "", false
		}
		if i == 0 {
			out.WriteString(raw[:start])
		}
		if keep(i) {
			if kept > 0 {
				out.WriteString(raw[end:start])
			}
			out.WriteString(m.Value.Raw())
			kept++
		}
		end = start + len(m.Value.Raw())
	}
	out.WriteString(raw[end:])
	return out.String(), true
}

// elementAt returns where the next element begins: behind one bracket or comma
// at or after i, and white space.
func elementAt(raw string, i int) int {
	i = skipSpace(raw, i) + 1
	return skipSpace(raw, min(i, len(raw)))
}

func skipSpace(s string, i int) int {
	return len(s) - len(strings.TrimLeft(s[i:], " \t\r\n"))
}

// memberAt returns where the value of the named member begins in the text of
// one object. The text is known to be valid JSON: it was scanned before.
func memberAt(object, name string) (int, bool) {
	i := strings.IndexByte(object, '{') + 1
	for i > 0 && i < len(object) {
		if i = skipSpace(object, i); i < len(object) && object[i] == ',' {
			i = skipSpace(object, i+1)
		}
		if i >= len(object) || object[i] != '"' {
			return 0, false
		}
		end := i + stringLen(object[i:])
		key := object[i:end]
		colon := strings.IndexByte(object[end:], ':')
		if colon < 0 {
			return 0, false
		}
		i = skipSpace(object, end+colon+1)
		if keyIs(key, name) {
			return i, true
		}
		i += valueLen(object[i:])
	}
	return 0, false
}

// keyIs compares a key as written, quotes and escapes included, with a name.
func keyIs(written, name string) bool {
	if !strings.Contains(written, `\`) {
		return written[1:len(written)-1] == name
	}
	var key string
	return json.Unmarshal([]byte(written), &key) == nil && key == name
}

// stringLen returns the length of the JSON string that s begins with.
func stringLen(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(s)
}

// valueLen returns the length of the JSON value that s begins with.
func valueLen(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			i += stringLen(s[i:]) - 1
		case '{', '[':
			depth++
			continue
		case '}', ']':
			depth--
		case ',':
			if depth == 0 {
				return i
			}
			continue
		default:
			continue
		}
		if depth < 0 {
			return i
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(s)
}
