package audit

import (
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/custos-zt/custos/access"
)

const (
	// timeLayout is RFC 3339 in UTC with exactly six fractional digits.
	timeLayout = "2006-01-02T15:04:05.000000Z"
	// maxText is the longest text stored whole, in bytes. Agents choose tool
	// names, URIs and ids; a record stays small whatever they send.
	maxText = 4096
	hexits  = "0123456789abcdef"
)

// appendStored appends the bytes that are stored and hashed. v, slot, seq,
// prev, kind and time come first and in this order, so that the chain can be
// checked without decoding JSON; see [peek].
func appendStored(b []byte, r *Record) []byte {
	b = append(b, `{"v":`...)
	b = strconv.AppendInt(b, int64(r.Version), 10)
	b = append(b, `,"slot":`...)
	b = strconv.AppendInt(b, int64(r.Slot), 10)
	b = append(b, `,"seq":`...)
	b = strconv.AppendUint(b, r.Seq, 10)
	b = append(b, `,"prev":"`...)
	b = append(b, r.Prev...)
	b = append(b, `","kind":`...)
	b = appendText(b, string(r.Kind))
	b = append(b, `,"time":"`...)
	b = appendTime(b, r.Time)
	b = append(b, '"')
	b = appendFields(b, r)
	return append(b, '}')
}

// appendFields appends every field after the head, each with a leading comma.
func appendFields(b []byte, r *Record) []byte {
	outcome := r.Kind == KindOutcome || r.Kind == KindOutcomeUnknown
	b = appendCount(b, "admission", int64(r.Admission), outcome)
	b = appendString(b, "rpc_id", r.RPCID)
	b = appendString(b, "method", r.Method)
	b = appendString(b, "direction", r.Direction)
	if r.OneWay {
		b = append(b, `,"one_way":true`...)
	}
	b = appendString(b, "backend", r.Backend)
	b = appendString(b, "tool", r.Tool)
	b = appendString(b, "uri", r.URI)
	b = appendString(b, "prompt", r.Prompt)
	b = appendDecision(b, r)
	b = appendAccount(b, r)
	b = appendString(b, "policy_digest", r.PolicyDigest)
	b = appendString(b, "old_policy_digest", r.OldPolicyDigest)
	b = appendString(b, "subject", r.Subject)
	b = appendString(b, "client", r.Client)
	b = appendString(b, "session", r.Session)
	b = appendString(b, "agent", r.Agent)
	b = appendString(b, "isolation", r.Isolation)
	b = appendArgs(b, r.Args)
	b = appendJudged(b, r.Judged)
	b = appendString(b, "message", r.Message)
	b = appendProvenance(b, r.Provenance)
	b = appendCount(b, "eval_us", r.EvalUS, false)
	b = appendCount(b, "hold_us", r.HoldUS, false)
	b = appendOutcome(b, r)
	b = appendPeople(b, r)
	return appendLifecycle(b, r)
}

func appendDecision(b []byte, r *Record) []byte {
	admission := r.Kind == KindAdmission
	if admission || r.Decision != access.None {
		b = appendString(b, "decision", r.Decision.String())
	}
	b = appendString(b, "reason", string(r.Reason))
	if admission && r.Rule == "" {
		b = append(b, `,"rule":null`...)
	}
	b = appendString(b, "rule", r.Rule)
	b = appendString(b, "position", r.Position)
	b = appendString(b, "layer", r.Layer)
	for i := range r.Matched {
		m := &r.Matched[i]
		b = openItem(b, "matched", i)
		b = append(b, `{"rule":`...)
		b = appendText(b, m.Rule)
		b = appendString(b, "effect", m.Effect.String())
		b = appendString(b, "truth", m.Truth.String())
		b = append(b, `,"position":`...)
		b = appendText(b, m.Position)
		if m.Monitor {
			b = append(b, `,"monitor":true`...)
		}
		if m.Lifted {
			b = append(b, `,"lifted":true`...)
		}
		b = append(appendOpen(b, m.Open), '}')
	}
	return closeList(b, len(r.Matched))
}

func appendArgs(b []byte, a *Args) []byte {
	if a == nil {
		return b
	}
	b = append(b, `,"args":{"names":[`...)
	for i, n := range a.Names {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, n)
	}
	b = append(b, ']')
	b = appendStrings(b, "types", a.Types)
	for i, n := range a.Lengths {
		b = openItem(b, "lengths", i)
		b = strconv.AppendInt(b, int64(n), 10)
	}
	b = closeList(b, len(a.Lengths))
	b = appendCount(b, "count", int64(a.Count), true)
	b = appendCount(b, "bytes", int64(a.Bytes), true)
	b = appendString(b, "hmac", a.HMAC)
	return append(appendKept(b, a), '}')
}

func appendProvenance(b []byte, list []Origin) []byte {
	for i, o := range list {
		b = openItem(b, "provenance", i)
		b = append(b, `{"of":`...)
		b = appendText(b, o.Of)
		b = append(b, `,"from":`...)
		b = appendText(b, o.From)
		b = append(b, '}')
	}
	return closeList(b, len(list))
}

func appendOutcome(b []byte, r *Record) []byte {
	outcome := r.Kind == KindOutcome
	b = appendString(b, "status", string(r.Status))
	b = appendCount(b, "bytes", r.Bytes, outcome)
	b = appendCount(b, "duration_us", r.DurationUS, outcome)
	if outcome && len(r.Labels) == 0 {
		b = append(b, `,"labels":[]`...)
	}
	b = appendStrings(b, "labels", r.Labels)
	if c := r.Counts; c != nil {
		b = append(b, `,"counts":{"total":`...)
		b = strconv.AppendInt(b, int64(c.Total), 10)
		b = appendCount(b, "shown", int64(c.Shown), true)
		b = appendCount(b, "hidden", int64(c.Hidden), true)
		b = append(b, '}')
	}
	return b
}

func appendLifecycle(b []byte, r *Record) []byte {
	b = appendString(b, "command_digest", r.CommandDigest)
	b = appendString(b, "instance", r.Instance)
	b = appendString(b, "key", r.Key)
	b = appendString(b, "rotation", r.Rotation)
	b = appendCount(b, "format", int64(r.Format), false)
	b = appendString(b, "previous", r.Previous)
	for i, seq := range r.Open {
		b = openItem(b, "open", i)
		b = strconv.AppendUint(b, seq, 10)
	}
	b = closeList(b, len(r.Open))
	b = appendString(b, "segment", r.Segment)
	b = appendCount(b, "offset", r.Offset, false)
	b = appendCount(b, "cut", r.Cut, false)
	b = appendCoalesced(b, r.Coalesced)
	if c := r.Clock; c != nil {
		b = append(b, `,"clock":{"state":`...)
		b = appendText(b, c.State)
		b = appendString(b, "expected", string(appendTime(nil, c.Expected)))
		b = appendString(b, "read", string(appendTime(nil, c.Read)))
		b = append(b, '}')
	}
	if e := r.Expired; e != nil {
		b = append(b, `,"expired":{"through":`...)
		b = strconv.AppendUint(b, e.Through, 10)
		b = appendString(b, "before", string(appendTime(nil, e.Before)))
		b = appendMissed(b, e.Missed)
		b = append(b, '}')
	}
	if g := r.LastGood; g != nil {
		b = append(b, `,"last_good":{"seq":`...)
		b = strconv.AppendUint(b, g.Seq, 10)
		b = appendString(b, "hash", g.Hash)
		b = append(b, '}')
	}
	b = appendString(b, "signature", r.Signature)
	return appendString(b, "detail", r.Detail)
}

func appendMissed(b []byte, list []Missed) []byte {
	for i, m := range list {
		b = openItem(b, "missed", i)
		b = append(b, `{"reader":`...)
		b = appendText(b, m.Reader)
		b = append(b, `,"after":`...)
		b = strconv.AppendUint(b, m.After, 10)
		b = append(b, `,"records":`...)
		b = strconv.AppendUint(b, m.Records, 10)
		b = append(b, '}')
	}
	return closeList(b, len(list))
}

func appendCoalesced(b []byte, c *Coalesced) []byte {
	if c == nil {
		return b
	}
	b = append(b, `,"coalesced":{"count":`...)
	b = strconv.AppendInt(b, int64(c.Count), 10)
	b = appendString(b, "first", string(appendTime(nil, c.First)))
	b = appendString(b, "last", string(appendTime(nil, c.Last)))
	for i := range c.Groups {
		g := &c.Groups[i]
		b = openItem(b, "groups", i)
		b = append(b, `{"count":`...)
		b = strconv.AppendInt(b, int64(g.Count), 10)
		b = appendString(b, "method", g.Method)
		b = appendString(b, "target", g.Target)
		b = appendString(b, "reason", string(g.Reason))
		b = appendString(b, "rule", g.Rule)
		b = append(b, '}')
	}
	b = closeList(b, len(c.Groups))
	b = appendCount(b, "more", int64(c.More), false)
	return append(b, '}')
}

// appendTime appends t in the log's layout.
func appendTime(b []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(b, timeLayout)
}

// appendString appends a member unless its text is empty. name MUST need no
// escaping.
func appendString(b []byte, name, s string) []byte {
	if s == "" {
		return b
	}
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	return appendText(b, s)
}

// appendCount appends a number; a zero only where it is always stored.
func appendCount(b []byte, name string, n int64, always bool) []byte {
	if n == 0 && !always {
		return b
	}
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	return strconv.AppendInt(b, n, 10)
}

func appendStrings(b []byte, name string, list []string) []byte {
	for i, s := range list {
		b = openItem(b, name, i)
		b = appendText(b, s)
	}
	return closeList(b, len(list))
}

// openItem appends what precedes item i of a list: the member's name before
// the first, a comma before the others.
func openItem(b []byte, name string, i int) []byte {
	if i > 0 {
		return append(b, ',')
	}
	b = append(b, ',', '"')
	b = append(b, name...)
	return append(b, '"', ':', '[')
}

// closeList ends a list of n items; an empty list was never begun.
func closeList(b []byte, n int) []byte {
	if n == 0 {
		return b
	}
	return append(b, ']')
}

// appendText appends s as a JSON string. What could change how a terminal or a
// page shows the line is escaped: control characters, bidirectional and
// zero-width formatting, line separators. What is not UTF-8 becomes U+FFFD.
func appendText(b []byte, s string) []byte {
	cut := 0
	if len(s) > maxText {
		cut = len(s)
		s = s[:wholeRunes(s, maxText)]
	}
	b = append(b, '"')
	for i := 0; i < len(s); {
		run := i
		for i < len(s) && isPlain(s[i]) {
			i++
		}
		b = append(b, s[run:i]...)
		if i == len(s) {
			break
		}
		if s[i] < utf8.RuneSelf {
			b = appendASCII(b, s[i])
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		b = appendRune(b, r)
		i += n
	}
	if cut > 0 {
		b = append(b, "…["...)
		b = strconv.AppendInt(b, int64(cut), 10)
		b = append(b, " bytes]"...)
	}
	return append(b, '"')
}

// wholeRunes returns the largest length of s up to n that splits no rune.
func wholeRunes(s string, n int) int {
	for i := n; i > n-utf8.UTFMax; i-- {
		if utf8.RuneStart(s[i]) {
			return i
		}
	}
	return n
}

// isPlain reports whether a byte stands for itself in a JSON string.
func isPlain(c byte) bool { return ' ' <= c && c < 0x7f && c != '"' && c != '\\' }

// appendASCII escapes a byte below 0x80 that is not plain.
func appendASCII(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	default:
		return append(b, '\\', 'u', '0', '0', hexits[c>>4], hexits[c&15])
	}
}

func appendRune(b []byte, r rune) []byte {
	hidden := r < 0xa0 || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Cf, r)
	if !hidden {
		return utf8.AppendRune(b, r)
	}
	if r > 0xffff {
		r -= 0x10000
		b = appendEscape(b, 0xd800+r>>10)
		r = 0xdc00 + r&0x3ff
	}
	return appendEscape(b, r)
}

func appendEscape(b []byte, r rune) []byte {
	return append(b, '\\', 'u', hexits[r>>12&15], hexits[r>>8&15], hexits[r>>4&15], hexits[r&15])
}
