package post

import (
	"context"
	"strings"
	"time"
)

// Token returns s as a token of a header, of most bytes at most: printable ASCII
// without spaces, and never nothing.
func Token(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '_'
		}
		return r
	}, s)
	if s == "" {
		return "-"
	}
	return s[:min(len(s), most)]
}

// Pause waits, and reports whether it was not interrupted.
func Pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
