package canon

import (
	"slices"
	"strings"

	"github.com/custos-zt/custos/access"
)

// Some members of `_meta` are made anew with every request and mean nothing for
// what is asked: `progressToken` (MCP) and the trace context of W3C,
// `traceparent` and `tracestate`, in exactly the forms that their specifications
// give them. In any other form they are content, and so is `baggage` always: who
// allowed a call would not have allowed what travels there.

// withoutVolatile returns params without what does not belong to the request.
func withoutVolatile(params access.Value) access.Value {
	meta := params.Get("_meta")
	if meta.Kind() != access.Object || !slices.ContainsFunc(meta.Members(), func(m access.Member) bool { return volatile(meta, &m) }) {
		return params
	}
	kept := make([]access.Member, 0, meta.Len())
	for _, m := range meta.Members() {
		if !volatile(meta, &m) {
			kept = append(kept, m)
		}
	}
	members := make([]access.Member, 0, params.Len())
	for _, m := range params.Members() {
		switch {
		case m.Key != "_meta":
			members = append(members, m)
		case len(kept) > 0:
			members = append(members, access.Member{Key: "_meta", Value: access.Composite(access.Object, "", kept)})
		}
	}
	return access.Composite(access.Object, "", members)
}

// volatile reports whether a member of `_meta` does not belong to the request.
func volatile(meta access.Value, m *access.Member) bool {
	switch m.Key {
	case "progressToken":
		return true
	case "traceparent":
		return isTraceParent(m.Value)
	case "tracestate": // alone it has no meaning
		return isTraceParent(meta.Get("traceparent")) && isTraceState(m.Value)
	default:
		return false
	}
}

// isTraceParent: version 00 of W3C Trace Context, "00-" 32 "-" 16 "-" 2, in
// lower-case hexadecimal digits.
func isTraceParent(v access.Value) bool {
	s := v.Text()
	if v.Kind() != access.String || len(s) != 55 || s[:3] != "00-" || s[35] != '-' || s[52] != '-' {
		return false
	}
	return isLowerHex(s[3:35]) && isLowerHex(s[36:52]) && isLowerHex(s[53:])
}

func isLowerHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// The bounds of W3C Trace Context 3.3.1.
const (
	maxTraceState   = 512
	maxTraceMembers = 32
)

// isTraceState: key=value pairs, separated by commas.
func isTraceState(v access.Value) bool {
	s := v.Text()
	if v.Kind() != access.String || len(s) > maxTraceState || strings.Count(s, ",") >= maxTraceMembers {
		return false
	}
	for pair := range strings.SplitSeq(s, ",") {
		key, value, ok := strings.Cut(strings.Trim(pair, " \t"), "=")
		if !ok || !isTraceKey(key) || value == "" || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' || r == '=' }) {
			return false
		}
	}
	return true
}

// isTraceKey: lower-case letters, digits and a few signs, beginning with a
// letter or digit.
func isTraceKey(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		case i > 0 && strings.IndexByte("_-*/@", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}
