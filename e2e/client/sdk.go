package client

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// SDK is a client built on the official SDK. It declares roots, sampling and
// elicitation, answers each the same way every time, and keeps what the server
// asked and said on its own. It is safe for concurrent use.
type SDK struct {
	*mcp.ClientSession
	stderr *lockedBuffer

	mu     sync.Mutex
	events []Event
}

// Event is one thing the server asked or told without being called for it.
type Event struct {
	Method string
	Params string // as JSON text, as far as the SDK kept it
}

// Settings say how [Connect] connects. The zero value offers the newest
// revision, one root and an elicitation handler that accepts.
type Settings struct {
	Version string            // protocol revision to offer; "" is the newest
	Roots   []string          // root URIs; nil is one at the test's directory
	Elicit  *mcp.ElicitResult // the answer to every elicitation; nil accepts with name "Ada"
	Silent  bool              // every elicitation stays without an answer
	NoForms bool              // elicitation is not declared
	Env     []string          // further variables, as NAME=VALUE
	Dir     string            // working directory
}

// Connect starts a command and connects to it over its pipes. The session is
// closed, and the command with it, when the test ends.
func Connect(t testing.TB, command []string, s Settings) *SDK {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env, cmd.Dir = append(os.Environ(), s.Env...), s.Dir
	c := &SDK{stderr: &lockedBuffer{}}
	cmd.Stderr = c.stderr
	cmd.WaitDelay = time.Second
	sdk := mcp.NewClient(&mcp.Implementation{Name: "custos-test-client", Version: "1"}, c.options(s))
	sdk.AddRoots(roots(t, s)...)
	// server-everything does not end with its stdin: ask it sooner than in the
	// SDK's five seconds.
	transport := &mcp.CommandTransport{Command: cmd, TerminateDuration: time.Second}
	session, err := sdk.Connect(t.Context(), transport, &mcp.ClientSessionOptions{ProtocolVersion: s.Version})
	if err != nil {
		t.Fatalf("connect to %q: %v\nstderr:\n%s", command, err, c.Stderr())
	}
	c.ClientSession = session
	t.Cleanup(func() {
		// The command ends as it likes when its stdin closes; what it returns is
		// judged by tests that look at it through Start.
		_ = session.Close()
		if t.Failed() && c.Stderr() != "" {
			t.Logf("stderr of %q:\n%s", command, c.Stderr())
		}
	})
	return c
}

func roots(t testing.TB, s Settings) []*mcp.Root {
	t.Helper()
	if s.Roots == nil {
		s.Roots = []string{"file://" + t.TempDir()}
	}
	var list []*mcp.Root
	for _, uri := range s.Roots {
		list = append(list, &mcp.Root{URI: uri, Name: "root"})
	}
	return list
}

// options declares every capability. Several are deprecated by the newest
// revision and alive in all earlier ones, which is why they are tested.
func (c *SDK) options(s Settings) *mcp.ClientOptions {
	answer := s.Elicit
	if answer == nil {
		answer = &mcp.ElicitResult{Action: "accept", Content: map[string]any{"name": "Ada"}}
	}
	o := &mcp.ClientOptions{
		CreateMessageHandler: func(_ context.Context, r *mcp.CreateMessageRequest) (*mcp.CreateMessageResult, error) {
			c.note("sampling/createMessage", r.Params)
			return &mcp.CreateMessageResult{
				Role: "assistant", Model: "canned", StopReason: "endTurn",
				Content: &mcp.TextContent{Text: "a canned completion"},
			}, nil
		},
		ElicitationHandler: func(ctx context.Context, r *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			c.note("elicitation/create", r.Params)
			if s.Silent {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			copied := *answer
			return &copied, nil
		},
		ToolListChangedHandler: func(_ context.Context, r *mcp.ToolListChangedRequest) {
			c.note("notifications/tools/list_changed", r.Params)
		},
		PromptListChangedHandler: func(_ context.Context, r *mcp.PromptListChangedRequest) {
			c.note("notifications/prompts/list_changed", r.Params)
		},
		ResourceListChangedHandler: func(_ context.Context, r *mcp.ResourceListChangedRequest) {
			c.note("notifications/resources/list_changed", r.Params)
		},
		ResourceUpdatedHandler: func(_ context.Context, r *mcp.ResourceUpdatedNotificationRequest) {
			c.note("notifications/resources/updated", r.Params)
		},
		LoggingMessageHandler: func(_ context.Context, r *mcp.LoggingMessageRequest) {
			c.note("notifications/message", r.Params)
		},
		ProgressNotificationHandler: func(_ context.Context, r *mcp.ProgressNotificationClientRequest) {
			c.note("notifications/progress", r.Params)
		},
	}
	if s.NoForms {
		o.ElicitationHandler = nil
	}
	return o
}

func (c *SDK) note(method string, params any) {
	text, err := json.Marshal(params)
	if err != nil {
		text = []byte(err.Error())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events = append(c.events, Event{method, string(text)})
}

// Events returns what the server asked and told so far, in order.
func (c *SDK) Events() []Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Event(nil), c.events...)
}

// Stderr returns what the command has written to stderr so far.
func (c *SDK) Stderr() string { return c.stderr.String() }

// Text calls a tool and returns the text of its first content block, and
// whether the result is an error. It fails the test on a protocol error.
func (c *SDK) Text(t testing.TB, tool string, arguments map[string]any) (text string, isError bool) {
	t.Helper()
	if arguments == nil {
		arguments = map[string]any{} // a nil map would be sent as null
	}
	result, err := c.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: arguments})
	if err != nil {
		t.Fatalf("call %s: %v", tool, err)
	}
	for _, block := range result.Content {
		if b, ok := block.(*mcp.TextContent); ok {
			return b.Text, result.IsError
		}
	}
	return "", result.IsError
}
