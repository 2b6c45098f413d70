package pep

import (
	"fmt"
	"strings"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
)

// Direction says which way a message goes.
type Direction uint8

const (
	// FromClient is a message of the agent's client to the backend.
	FromClient Direction = iota
	// FromBackend is a request or notification of the backend to the client.
	FromBackend
	// Reply is the client's answer to a request of the backend: egress.
	Reply
	// Asked is a call that is only decided: nobody runs it.
	Asked
)

// String returns the word used in records.
func (d Direction) String() string {
	return [...]string{"client", "backend", "reply", "asked"}[d]
}

// Call is one MCP message to be decided, as it was read.
type Call struct {
	Method string
	// Params are the params of a request or notification, or the result of a
	// reply.
	Params access.Value
	// ID is the raw JSON-RPC id, "" for notifications.
	ID        string
	Direction Direction
	// Waits says that the caller can wait for a person, and keeps the call until
	// then. Without it what a rule holds is denied. Later says that it will ask
	// again, and only wants to know whether the call is held.
	Waits, Later bool
	// Caller is who the caller of a library proved to be; the zero value is who
	// the session belongs to.
	Caller Caller
	// Since is when a call that was held began to wait, and is decided again; zero
	// for one that arrives.
	Since time.Time
}

// Caller is who acts, where that differs from call to call.
type Caller struct {
	Subject access.Subject
	Agent   string
}

// ToolCall builds the call of a tool from its name and the raw JSON of its
// arguments, which are read as strictly as a message. Limits are the defaults.
func ToolCall(name string, args []byte, by Caller) (Call, error) {
	v, err := canon.Scan(args, canon.DefaultLimits())
	if err != nil {
		return Call{}, err
	}
	if v.Kind() != access.Object {
		return Call{}, fmt.Errorf("arguments are an object, not %s", v.Kind())
	}
	params := access.Composite(access.Object, `{"name":`+canon.Quote(name)+`,"arguments":`+v.Raw()+`}`, []access.Member{
		{Key: "name", Value: canon.String(name)}, {Key: "arguments", Value: v},
	})
	return Call{Method: "tools/call", Params: params, Caller: by}, nil
}

// target is what a call asks for.
type target struct {
	kind access.Kind
	name string
	args access.Value
	// passes marks what needs no grant (policy.md §2).
	passes bool
}

// target reads kind, name and arguments off a call. ok is false where the
// member that names the target is missing or no string.
func (c *Call) target() (t target, ok bool) {
	if c.Direction == FromClient || c.Direction == Asked {
		switch c.Method {
		case "tools/call":
			return c.named(access.Tool, "name", c.Params.Get("arguments"))
		case "prompts/get":
			return c.named(access.Prompt, "name", c.Params.Get("arguments"))
		case "resources/read":
			return c.named(access.Resource, "uri", c.Params)
		}
	}
	return target{kind: access.Method, name: c.Method, args: c.Params, passes: c.passes()}, true
}

func (c *Call) named(kind access.Kind, member string, args access.Value) (target, bool) {
	name := c.Params.Get(member)
	sound := args.IsAbsent() || args.Kind() == access.Object
	return target{kind: kind, name: name.Text(), args: args}, name.Text() != "" && sound
}

// Passes reports whether a message of the client passes unless a deny or a
// gate matches it. A method that carries roots is the answer to roots/list.
func Passes(method string, params access.Value) bool {
	c := Call{Method: method}
	if method == "roots/list" && !params.Get("roots").IsAbsent() {
		c.Direction = Reply
	}
	return c.passes()
}

// passes reports whether a method passes unless a deny or a gate matches it.
func (c *Call) passes() bool {
	switch c.Direction {
	case FromBackend:
		return c.Method == "roots/list" || knownNotification(c.Method)
	case Reply:
		// What a person typed or a model wrote was asked for by a request that
		// was granted. Roots are different: they widen what a server reaches.
		return c.Method != "roots/list"
	case FromClient, Asked:
	}
	switch c.Method {
	case "initialize", "server/discover", "completion/complete", "logging/setLevel",
		"resources/subscribe", "resources/unsubscribe", "subscriptions/listen":
		return true
	}
	return strings.HasSuffix(c.Method, "/list") || knownNotification(c.Method)
}

// knownNotification lists the notifications of the MCP revisions up to
// 2026-07-28, beside those that are never decided.
func knownNotification(method string) bool {
	switch method {
	case "notifications/message", "notifications/roots/list_changed",
		"notifications/resources/updated", "notifications/resources/list_changed",
		"notifications/tools/list_changed", "notifications/prompts/list_changed",
		"notifications/elicitation/complete", "notifications/tasks/status",
		"notifications/subscriptions/acknowledged":
		return true
	}
	return false
}

// title is the name of the target as people and models read it.
func (t *target) title(backend string) string {
	switch t.kind {
	case access.Tool:
		return backend + "." + t.name
	case access.Method:
		return t.name
	default:
		return t.kind.String() + " " + t.name
	}
}
