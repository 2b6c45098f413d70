package e2e

import (
	"encoding/json"
	"strings"
	"testing"
)

// ownList reads the request with which Custos asks for the tools itself, and
// returns how to answer it.
func (h *hands) ownList(cursor string) (reply func(member string)) {
	h.t.Helper()
	line := h.serverReads()
	var m struct {
		ID     string
		Method string
		Params struct{ Cursor string }
	}
	if err := json.Unmarshal([]byte(line), &m); err != nil || m.Method != "tools/list" ||
		!strings.HasPrefix(m.ID, "custos-") || m.Params.Cursor != cursor {
		h.t.Fatalf("want Custos to ask for tools from cursor %q, it sent %s", cursor, line)
	}
	return func(member string) {
		h.t.Helper()
		h.serverWrites(`{"jsonrpc":"2.0","id":"` + m.ID + `",` + member + "}\n")
	}
}

const (
	anyCall   = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"any","arguments":{}}}`
	anyResult = `{"jsonrpc":"2.0","id":1,"result":{"content":[]}}`
	changed   = `{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`
)

// A client need not list the tools again before it calls one: Custos does,
// page by page, and the call follows. Nothing of that reaches the client.
func TestCallAfterChange(t *testing.T) {
	t.Parallel()
	h := bothEnds(t, oneTool)
	// Every time, however soon after the last.
	for range 3 {
		h.tells(changed)
		h.client.Send(anyCall)
		h.ownList("")(`"result":{"tools":[{"name":"other","inputSchema":{"type":"object"}}],"nextCursor":"\u00e9 2"}`)
		h.ownList("é 2")(`"result":{"tools":` + oneTool + `}`)
		h.same("the client sent", anyCall, h.serverReads())
		h.tells(anyResult)
	}
}

// A list that crosses another change says nothing of what is now: Custos asks
// once more, and the call is not lost.
func TestCallWhileTheListChanges(t *testing.T) {
	t.Parallel()
	h := bothEnds(t, oneTool)
	h.tells(changed)
	h.client.Send(anyCall)
	reply := h.ownList("")
	h.tells(changed)
	reply(`"result":{"tools":[]}`)
	h.ownList("")(`"result":{"tools":` + oneTool + `}`)
	h.same("the client sent", anyCall, h.serverReads())
	h.tells(anyResult)
}

// A request of a revision that the server does not speak is answered as the
// server would, so that the client can repeat it at once in one that it does.
func TestRevisionIsAgreedOnByACall(t *testing.T) {
	t.Parallel()
	const refusal = `"error":{"code":-32022,"data":{"requested":"2099-01-01","supported":["2026-07-28"]},"message":"\u00e9"}`
	h := bothEnds(t, oneTool)
	h.tells(changed)
	future := strings.Replace(anyCall, `"name"`, `"_meta":`+meta("$FUTURE")+`,"name"`, 1)
	h.client.Send(future)
	h.ownList("")(refusal)
	h.same("the server refused", `{"jsonrpc":"2.0","id":1,`+refusal+`}`, h.clientReads())
	now := strings.Replace(anyCall, `"name"`, `"_meta":`+meta("$META")+`,"name"`, 1)
	h.client.Send(now)
	h.ownList("")(`"result":{"tools":` + oneTool + `}`)
	h.same("the client sent", now, h.serverReads())
	h.tells(anyResult)
}

// A task goes on after the reply that names it, and so does its progress, in
// both directions (MCP 2025-11-25, tasks).
func TestProgressOfATask(t *testing.T) {
	t.Parallel()
	const progress = `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"t","progress":1}}`
	h := bothEnds(t, oneTool)
	h.asks(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"any","task":{"ttl":60000},"_meta":{"progressToken":"t"}}}`)
	h.tells(progress)
	h.tells(`{"jsonrpc":"2.0","id":1,"result":{"task":{"taskId":"a","status":"working"}}}`)
	h.tells(progress)
	h.tells(`{"jsonrpc":"2.0","id":2,"method":"sampling/createMessage","params":{"messages":[],"task":{},"_meta":{"progressToken":"t"}}}`)
	h.asks(`{"jsonrpc":"2.0","id":2,"result":{"task":{"taskId":"b","status":"working"}}}`)
	h.asks(progress)
}
