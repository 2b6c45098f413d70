package canon

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/custos-zt/custos/access"
)

// Quote returns s as a JSON string with the fewest escapes. Bytes that are not
// UTF-8 become U+FFFD.
func Quote(s string) string {
	w := writer{buf: make([]byte, 0, len(s)+2)}
	w.string(strings.ToValidUTF8(s, "\ufffd"))
	return string(w.buf)
}

// String returns the value of a JSON string with content s.
func String(s string) access.Value {
	s = strings.ToValidUTF8(s, "\ufffd")
	return access.Scalar(access.String, Quote(s), s)
}

// FromGo returns the value that encoding/json writes for data, read back by
// the rules of [Parse] and the default limits.
//
// Text that is not UTF-8 is an error and not replaced, since what would be
// judged is then not what the program uses.
func FromGo(data any) (access.Value, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(data); err != nil {
		return access.Value{}, fmt.Errorf("encode: %w", err)
	}
	text := strings.TrimSuffix(b.String(), "\n")
	if hasReplacement(text) {
		return access.Value{}, errors.New("text that is not UTF-8")
	}
	return Parse(text, DefaultLimits())
}

// hasReplacement finds the escape that encoding/json writes for a byte that is
// not UTF-8, and for nothing else: U+FFFD itself is written unescaped.
func hasReplacement(text string) bool {
	for {
		i := strings.IndexByte(text, '\\')
		if i < 0 || i+1 >= len(text) {
			return false
		}
		if strings.HasPrefix(text[i:], `\ufffd`) {
			return true
		}
		text = text[i+2:]
	}
}
