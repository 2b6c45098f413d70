package e2e

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// What Custos does not know survives byte for byte: members, methods, types of
// content, numbers as written, order of keys, white space, escapes.
func TestFramesPassAsTheyAre(t *testing.T) {
	t.Parallel()
	frames := archive(t, "transparency/frames.txtar")
	h := bothEnds(t, oneTool)
	for _, line := range lines(frames["requests"]) {
		h.asks(line)
		h.tells(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{}}`, idOf(t, line)))
	}
	next := 100
	reply := func(part, method, params string) {
		for _, line := range lines(frames[part]) {
			next++
			h.asks(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":%q%s}`, next, method, params))
			h.tells(strings.Replace(line, "ID", strconv.Itoa(next), 1))
		}
	}
	reply("tools", "tools/list", "")
	for _, line := range lines(frames["server"]) {
		h.tells(line)
		if id := idOf(t, line); id != "" {
			h.asks(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"roots":[]}}`, id))
		}
	}
	for _, line := range lines(frames["answers"]) {
		next++
		h.tells(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"vendor/ask"}`, next))
		h.asks(strings.Replace(line, "ID", strconv.Itoa(next), 1))
	}
	// The lists above have left the tool "any" behind; a list in one page says so.
	h.asks(`{"jsonrpc":"2.0","id":"again","method":"tools/list"}`)
	h.tells(`{"jsonrpc":"2.0","id":"again","result":{"tools":` + oneTool + `}}`)
	reply("results", "tools/call", `,"params":{"name":"any","arguments":{}}`)
}

func idOf(t *testing.T, line string) string {
	t.Helper()
	var m struct{ ID json.RawMessage }
	if err := json.Unmarshal([]byte(line), &m); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return string(m.ID)
}

// A long message passes as it is, in both directions and in every place.
func TestLongFramesPassAsTheyAre(t *testing.T) {
	t.Parallel()
	text := strings.Repeat(`é\u00e9 😀\ud83d\ude00 \\\" /`, 1<<20/36)
	numbers := strings.Repeat(`9007199254740993, 1.10,`, 1<<20/23) + "0"
	objects := strings.Repeat(`{"b":[],"a":{}},`, 1<<20/16) + "{}"
	h := bothEnds(t, oneTool)
	for i, value := range []string{`"` + text + `"`, "[" + numbers + "]", "[" + objects + "]"} {
		h.asks(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"any","arguments":{"v":%s}}}`, i, value))
		h.tells(fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":%s}}`, value))
		h.tells(fmt.Sprintf(`{"jsonrpc":"2.0","id":"q%d","method":"vendor/ask","params":{"v":%s}}`, i, value))
		h.asks(fmt.Sprintf(`{"jsonrpc":"2.0","id":"q%d","result":{"v":%s}}`, i, value))
		h.tells(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"result":{"content":[],"structuredContent":%s}}`, i, value))
	}
}

// Messages end with a newline or with a carriage return and a newline; Custos
// ends them with a newline. Empty lines are no messages, and what stands
// between two line ends is passed as it is.
func TestLineEndsAreNoPartOfMessages(t *testing.T) {
	t.Parallel()
	h := bothEnds(t, oneTool)
	call := func(id int) string {
		return fmt.Sprintf(` {"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"any"}} `, id)
	}
	result := func(id int) string { return fmt.Sprintf(` {"jsonrpc":"2.0","id":%d,"result":{}} `, id) }
	h.client.SendBytes([]byte(call(1) + "\r\n" + call(2) + "\n\r\n\n" + call(3) + "\r\n"))
	for id := 1; id <= 3; id++ {
		h.same("the client sent", call(id), h.serverReads())
	}
	h.serverWrites(result(2) + "\r\n\n\r\n" + result(1) + "\n" + result(3) + "\r\n")
	for _, id := range []int{2, 1, 3} {
		h.same("the server sent", result(id), h.clientReads())
	}
	// In pieces: the end of a line comes later than its beginning.
	for _, piece := range []string{call(4)[:9], call(4)[9:], "\r", "\n"} {
		h.client.SendBytes([]byte(piece))
	}
	h.same("the client sent", call(4), h.serverReads())
	for _, piece := range []string{result(4)[:20], result(4)[20:] + "\r", "\n"} {
		h.serverWrites(piece)
	}
	h.same("the server sent", result(4), h.clientReads())
}

// Many calls at once keep their order on the way in, and answers theirs on
// the way out.
func TestOrderIsKept(t *testing.T) {
	t.Parallel()
	const n = 300
	h := bothEnds(t, oneTool)
	var all strings.Builder
	var sent []string
	for i := range n {
		line := fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"any","arguments":{"i":%d}}}`, i, i)
		switch i % 3 {
		case 1:
			line = fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"ping"}`, i) // needs no evidence, overtakes nothing
		case 2:
			line = fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"x%d"}}`, i)
		}
		sent = append(sent, line)
		all.WriteString(line + "\n")
	}
	h.client.SendBytes([]byte(all.String()))
	var got []string
	for range n {
		got = append(got, h.serverReads())
	}
	sameLines(t, "the client sent and the server got", sent, got)

	all.Reset()
	sent, got = nil, nil
	for i := n - 1; i >= 0; i-- {
		line := fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"result":{"content":[]}}`, i)
		if i%3 == 2 {
			line = fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":%d}}`, i)
		}
		sent = append(sent, line)
		all.WriteString(line + "\n")
	}
	h.serverWrites(all.String())
	for range n {
		got = append(got, h.clientReads())
	}
	sameLines(t, "the server sent and the client got", sent, got)
}
