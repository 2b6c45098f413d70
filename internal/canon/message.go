package canon

import (
	"bytes"
	"strings"

	"github.com/custos-zt/custos/access"
)

// MessageKind is what a JSON-RPC message is.
type MessageKind uint8

// The kinds of a message. The zero kind is none of them.
const (
	_ MessageKind = iota
	Request
	Notification
	Response
	ErrorResponse
)

// String returns "request", "notification", "response" or "error response".
func (k MessageKind) String() string {
	return [...]string{"no message", "request", "notification", "response", "error response"}[k]
}

// Message is one JSON-RPC 2.0 message as MCP uses it. What a message of its
// kind does not have is absent or empty.
type Message struct {
	Kind MessageKind
	// Raw is the frame as given, without its line end. It is what is forwarded:
	// members that Custos does not know survive in it. It shares memory with
	// the frame; everything else is a copy.
	Raw []byte
	// ID is a string or an integer; null only on an [ErrorResponse] of
	// [ReadServerMessage].
	ID access.Value
	// IDKey is ID as a map key: 7 and "7" differ, "a" and "\u0061" do not. It
	// is empty where there is no id, or null.
	IDKey  string
	Method string
	// Params is an object or absent.
	Params access.Value
	Result access.Value
	// Error is an object or absent.
	Error access.Value
	// Root is the whole message.
	Root access.Value
}

// ReadMessage reads frame as one message, by the rules of [Scan] and:
//
//   - an object, no batch, and on one line: some servers take a bare carriage
//     return between two members for the end of a message;
//   - jsonrpc is "2.0"; the id is a string or an integer without fraction and
//     exponent;
//   - a method is a non-empty string, params an object;
//   - a message with a method has no result and no error, a message without
//     one has an id, no params, and exactly one of result and error;
//   - without an id the method begins with "notifications/", with one it does
//     not;
//   - no member only resembles one of the envelope (`Method`).
//
// The error is an [*Error].
func ReadMessage(frame []byte, l Limits) (Message, error) {
	return readMessage(frame, l, false)
}

// ReadServerMessage is [ReadMessage] for what a server sends: an error
// response may have the id null, which is how JSON-RPC answers a request that
// could not be read.
func ReadServerMessage(frame []byte, l Limits) (Message, error) {
	return readMessage(frame, l, true)
}

func readMessage(frame []byte, l Limits, nullID bool) (Message, error) {
	raw := bytes.TrimSuffix(frame, []byte("\n"))
	raw = bytes.TrimSuffix(raw, []byte("\r"))
	// Scan refuses both inside strings; between two tokens they are white space
	// to JSON and a message boundary to line readers.
	for _, c := range []byte("\r\n") {
		if i := bytes.IndexByte(raw, c); i >= 0 {
			return Message{}, &Error{Envelope, i, "line break inside a message"}
		}
	}
	root, err := Scan(raw, l)
	if err != nil {
		return Message{}, err
	}
	if root.Kind() == access.Array {
		return Message{}, refuse("batches are not accepted")
	}
	if root.Kind() != access.Object {
		return Message{}, refuse("a message is an object, not a " + root.Kind().String())
	}
	m := Message{Raw: raw, Root: root}
	if err := m.members(); err != nil {
		return Message{}, err
	}
	if err := m.classify(nullID); err != nil {
		return Message{}, err
	}
	return m, nil
}

// refuse reports a fault of the envelope. It stands at byte 0, since values do
// not keep their offsets.
func refuse(msg string) error { return &Error{Envelope, 0, msg} }

// members fills m from the members of its root.
func (m *Message) members() error {
	var version, method access.Value
	for _, member := range m.Root.Members() {
		switch member.Key {
		case "jsonrpc":
			version = member.Value
		case "id":
			m.ID = member.Value
		case "method":
			method = member.Value
		case "params":
			m.Params = member.Value
		case "result":
			m.Result = member.Value
		case "error":
			m.Error = member.Value
		default:
			for _, known := range [...]string{"jsonrpc", "id", "method", "params", "result", "error"} {
				if strings.EqualFold(member.Key, known) {
					return refuse("member " + quoted(member.Key) + " only resembles " + known)
				}
			}
		}
	}
	if version.Text() != "2.0" {
		return refuse(`jsonrpc is not "2.0"`)
	}
	if !method.IsAbsent() && method.Text() == "" {
		return refuse("method is not a non-empty string")
	}
	m.Method = method.Text()
	if k := m.Params.Kind(); k != access.Absent && k != access.Object {
		return refuse("params is a " + k.String() + ", not an object")
	}
	if k := m.Error.Kind(); k != access.Absent && k != access.Object {
		return refuse("error is a " + k.String() + ", not an object")
	}
	return nil
}

// classify checks the id and what may stand beside what.
func (m *Message) classify(nullID bool) error {
	result, failure := !m.Result.IsAbsent(), !m.Error.IsAbsent()
	switch {
	case m.Method != "" && (result || failure):
		return refuse("a request with a result or error")
	case m.Method == "" && result == failure:
		return refuse("neither a request nor a response with exactly one of result and error")
	case m.Method == "" && !m.Params.IsAbsent():
		return refuse("a response with params")
	}
	notification := strings.HasPrefix(m.Method, "notifications/")
	switch {
	case m.Method != "" && m.ID.IsAbsent():
		if !notification {
			return refuse("a request without id")
		}
		m.Kind = Notification
		return nil
	case notification:
		return refuse("a notification with an id")
	case m.Method != "":
		m.Kind = Request
	case result:
		m.Kind = Response
	default:
		m.Kind = ErrorResponse
		if nullID && m.ID.Kind() == access.Null {
			return nil
		}
	}
	key, ok := IDKey(m.ID)
	if !ok {
		return refuse("an id that is neither a string nor an integer")
	}
	m.IDKey = key
	return nil
}

// IDKey returns the map key of an id, or of what else MCP makes of the same
// type (requestId, progressToken); false where v is neither a string nor an
// integer. A string keeps its opening quote, so that it cannot equal a number.
// Numbers with fraction or exponent are no ids: 7.0 and 7 are one number and
// two texts, and the answer would be lost. The key is a copy: holding it does
// not hold the frame.
func IDKey(id access.Value) (string, bool) {
	raw := id.Raw()
	switch id.Kind() {
	case access.String:
		if len(raw) == len(id.Text())+2 {
			return strings.Clone(raw[:len(raw)-1]), true
		}
		return `"` + id.Text(), true
	case access.Number:
		if raw == "-0" { // many programs write it back as 0
			return "0", true
		}
		return strings.Clone(raw), !strings.ContainsAny(raw, ".eE")
	default:
		return "", false
	}
}
