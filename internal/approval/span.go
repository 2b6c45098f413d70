package approval

import (
	"fmt"
	"strings"
	"time"
)

// Span is a length of time that people read and write: "90s", "15m", "8h".
type Span time.Duration

// String leaves out what is zero: "15m", not "15m0s".
func (s Span) String() string {
	text := time.Duration(s).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// MarshalText makes a span a text in JSON.
func (s Span) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the text back.
func (s *Span) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil || d < 0 {
		return fmt.Errorf("%q is no length of time, such as 15m or 8h", text)
	}
	*s = Span(d)
	return nil
}
