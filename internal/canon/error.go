package canon

import (
	"strconv"

	"github.com/custos-zt/custos/access"
)

// ErrorKind says in which way an input was refused.
type ErrorKind uint8

const (
	// Malformed input does not follow RFC 8259.
	Malformed ErrorKind = iota
	// Ambiguous input is JSON that two parsers may read differently: invalid
	// UTF-8, duplicate keys, keys that differ only in case, lone surrogates,
	// NUL in a key.
	Ambiguous
	// TooLarge input exceeds a cap of [Limits].
	TooLarge
	// Envelope input is unambiguous JSON but not one legal JSON-RPC message.
	Envelope
)

// String returns "malformed", "ambiguous", "too large" or "envelope".
func (k ErrorKind) String() string {
	return [...]string{"malformed", "ambiguous", "too large", "envelope"}[k]
}

// Error is the refusal of an input. Its text is safe to log: it never quotes
// more than [maxQuoted] bytes of the input, escaped.
type Error struct {
	Kind ErrorKind
	// Offset is the byte at which the input was refused.
	Offset int
	Msg    string
}

// Error returns the message with its offset.
func (e *Error) Error() string {
	return e.Msg + " at byte " + strconv.Itoa(e.Offset)
}

// Reason is the decision code of the refusal: request_too_large or
// request_malformed.
func (e *Error) Reason() access.Reason {
	if e.Kind == TooLarge {
		return access.RequestTooLarge
	}
	return access.RequestMalformed
}

// maxQuoted bounds what an error repeats of its input, which may be hostile
// and may be secret.
const maxQuoted = 16

// quoted returns the start of s, escaped and ASCII only.
func quoted(s string) string {
	if len(s) > maxQuoted {
		return strconv.QuoteToASCII(s[:maxQuoted]) + "…"
	}
	return strconv.QuoteToASCII(s)
}
