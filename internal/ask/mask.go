package ask

import (
	"slices"
	"strings"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/term"
)

// Mask replaces known secrets in a text by their names, and reports whether
// there was one: see [canary.Matcher.Mask]. A nil Mask knows none.
type Mask func(text string) (string, bool)

// showing turns what a call holds into what people read: known secrets are
// masked, and what would move, hide, reorder or imitate other text is escaped.
// An answer stays bound to the true values: what is masked changes no digest.
type showing struct {
	mask Mask
	// secrets are the places that the tool declares as secrets: see
	// [approval.Request.Secrets].
	secrets [][]string
	// masked says that something was.
	masked bool
}

// text returns a text as it is shown.
func (s *showing) text(t string) string { return term.Escape(s.known(t)) }

// known masks the secrets that are known in a text.
func (s *showing) known(t string) string {
	if s.mask == nil {
		return t
	}
	t, was := s.mask(t)
	s.masked = s.masked || was
	return t
}

// value returns a value as one line of JSON that shows itself. at is where it
// stands in the arguments.
func (s *showing) value(v access.Value, at ...string) string {
	// Each text is masked as it is read, and the line as it is written: a secret
	// may also be a number, or reach over several texts.
	return s.text(string(s.append(nil, v, at)))
}

func (s *showing) append(dst []byte, v access.Value, at []string) []byte {
	if s.declared(at) {
		s.masked = true
		return append(dst, secretHere...)
	}
	at = slices.Clip(at)
	switch v.Kind() {
	case access.String:
		return append(dst, canon.Quote(s.known(v.Text()))...)
	case access.Array:
		dst = append(dst, '[')
		for i, m := range v.Members() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = s.append(dst, m.Value, append(at, each))
		}
		return append(dst, ']')
	case access.Object:
		dst = append(dst, '{')
		members := slices.SortedFunc(slices.Values(v.Members()), func(a, b access.Member) int { return strings.Compare(a.Key, b.Key) })
		for i, m := range members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(append(dst, canon.Quote(s.known(m.Key))...), ':')
			dst = s.append(dst, m.Value, append(at, m.Key))
		}
		return append(dst, '}')
	default:
		return canon.AppendCanonical(dst, v)
	}
}

const (
	// secretHere stands for what the tool declares as a secret. It is no JSON, so
	// that no argument can be taken for it.
	secretHere = "[secret]"
	// each is the step of a place into every item of a list.
	each = ""
)

// declared reports whether the tool declares what stands here as a secret.
func (s *showing) declared(at []string) bool {
	return slices.ContainsFunc(s.secrets, func(place []string) bool { return slices.Equal(place, at) })
}

// name returns the name of an argument as it is shown. One that is no plain
// word, or could be taken for what Custos says itself, is quoted.
func (s *showing) name(key string) string {
	plain := key != ""
	for _, c := range key {
		plain = plain && (c == '_' || c == '-' || c == '.' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z')
	}
	switch strings.ToLower(key) {
	case "why", "hidden", "masked", "problem", "lease":
		plain = false
	}
	if shown := s.known(key); plain && shown == key {
		return key
	}
	return s.text(canon.Quote(s.known(key)))
}
