package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/e2e/peers"
)

// anything allows whatever can be allowed: what is refused under it was
// refused for its form.
const anything = `policy: all
rules:
  - {id: all, allow: ["*.*", "resource:*.**", "prompt:*.*", "method:**"], unlisted_args: allow}
`

// journaled guards a server that writes down each line that reaches it.
type journaled struct {
	guarded
	seen string
}

func (g guarding) journaled(t *testing.T, flags ...string) journaled {
	t.Helper()
	seen := filepath.Join(t.TempDir(), "seen")
	g.policy = anything
	g.server = peers.Bad(t, append([]string{"-seen", seen}, flags...)...)
	return journaled{g.start(t), seen}
}

// received returns the lines that reached the server, without those of
// Custos's own making.
func (j journaled) received(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile(j.seen)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(data)) {
		if !strings.HasPrefix(line, `{"jsonrpc":"2.0","id":"custos-`) {
			out = append(out, strings.TrimSuffix(line, "\n"))
		}
	}
	return out
}

// refusedFrame reads the next line and checks that it is the refusal of a
// frame that could not be read.
func (j journaled) refusedFrame(t *testing.T, what string) {
	t.Helper()
	line, ok := j.Line()
	if !ok {
		t.Fatalf("%s: the guard ended", what)
	}
	r := parse(t, line)
	if string(r.ID) != "null" || r.refused() != "invalid" || r.Error == nil {
		t.Errorf("%s: answered %s", what, line)
	}
}

const (
	hello = `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`
	last  = `{"jsonrpc":"2.0","id":"last","method":"ping"}`
)

// Every frame of the table is refused, recorded, and reaches nobody.
func TestAmbiguousFramesReachNobody(t *testing.T) {
	for reason, part := range archive(t, "frames.txtar") {
		j := guarding{}.journaled(t)
		j.Send(hello)
		j.Reply("0")
		count := 0
		for _, line := range lines(part) {
			what, quoted, _ := strings.Cut(line, " = ")
			frame, err := strconv.Unquote(quoted)
			if err != nil {
				t.Fatalf("%s: %s: %v", what, quoted, err)
			}
			count++
			j.Send(frame)
			j.refusedFrame(t, what)
		}
		j.Send(last)
		j.Reply(`"last"`)
		if got := refusals(j.finish(t), reason); got != count {
			t.Errorf("%d records of %s, want %d", got, reason, count)
		}
		if diff := cmp.Diff([]string{hello, last}, j.received(t)); diff != "" {
			t.Errorf("the server received (-want +got):\n%s", diff)
		}
	}
}

// The caps hold at their edge: what is just within passes, byte for byte, and
// what is just beyond is refused, also where the rest of the line is long.
func TestCapsOfSizeAndDepth(t *testing.T) {
	j := guarding{config: "version: 1\nlimits: {frame: 64KiB, depth: 16}\n"}.journaled(t)
	j.Send(hello)
	j.Reply("0")
	sized := func(id, size int) string {
		text := fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"echo","arguments":{"message":""}}}`, id)
		return strings.Replace(text, `"message":""`, `"message":"`+strings.Repeat("x", size-len(text))+`"`, 1)
	}
	// Three objects hold the argument.
	deep := func(id, depth int) string {
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"echo","arguments":{"deep":%s%s}}}`,
			id, strings.Repeat("[", depth-3), strings.Repeat("]", depth-3))
	}
	want := []string{hello, sized(1, 64<<10), deep(2, 16), last}
	j.Send(want[1])
	j.Reply("1")
	j.Send(want[2])
	j.Reply("2")
	beyond := []string{sized(3, 64<<10+1), sized(4, 64<<10+3), sized(5, 1<<20), deep(6, 17), deep(7, 5000)}
	for i, frame := range beyond {
		j.Send(frame)
		j.refusedFrame(t, fmt.Sprintf("frame %d beyond a cap", i))
	}
	j.Send(last)
	j.Reply(`"last"`)
	if got := refusals(j.finish(t), "request_too_large"); got != len(beyond) {
		t.Errorf("%d records, want %d", got, len(beyond))
	}
	if diff := cmp.Diff(want, j.received(t)); diff != "" {
		t.Errorf("the server received (-want +got):\n%.2000s", diff)
	}
}

// An id that waits for its answer cannot be used again, in whatever spelling;
// after the answer it can.
func TestIdsInFlight(t *testing.T) {
	j := guarding{}.journaled(t)
	j.Send(hello)
	j.Reply("0")
	call := func(id, tool, args string) string {
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{"name":"%s","arguments":%s}}`, id, tool, args)
	}
	want := []string{hello}
	pass := func(frame string) { j.Send(frame); want = append(want, frame) }
	for _, c := range []struct{ first, again string }{
		{`7`, `7`},
		{`"a"`, `"a"`},
		{`"b"`, `"\u0062"`},
		{`0`, `-0`},
		// Programs that read numbers as doubles take these for one.
		{`9007199254740992`, `9007199254740993`},
		{`123456789012345678901`, `123456789012345678902`},
	} {
		pass(call(c.first, "hang", `{}`))
		j.Send(call(c.again, "echo", `{"message":"x"}`))
		j.refusedFrame(t, c.first+" again as "+c.again)
	}
	// Not the same: a number and its text, and neighbours that doubles hold.
	pass(call(`"7"`, "echo", `{"message":"x"}`))
	j.Reply(`"7"`)
	pass(call(`9007199254740990`, "hang", `{}`))
	pass(call(`9007199254740991`, "echo", `{"message":"x"}`))
	j.Reply(`9007199254740991`)
	// Answered: free again.
	pass(call(`"7"`, "echo", `{"message":"y"}`))
	j.Reply(`"7"`)
	pass(last)
	j.Reply(`"last"`)
	if got := refusals(j.finish(t), "request_malformed"); got != 6 {
		t.Errorf("%d records, want 6", got)
	}
	if diff := cmp.Diff(want, j.received(t)); diff != "" {
		t.Errorf("the server received (-want +got):\n%s", diff)
	}
}

// A question of the server can be answered once; a second answer, or one under
// another spelling of its id, answers nothing.
func TestAQuestionIsAnsweredOnce(t *testing.T) {
	j := guarding{}.journaled(t)
	j.Send(hello)
	j.Reply("0")
	ask := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ask","arguments":{"method":"elicitation/create"}}}`
	j.Send(ask)
	line, _ := j.Line()
	id := string(parse(t, line).ID)
	answer := `{"jsonrpc":"2.0","id":` + id + `,"result":{"action":"accept","content":{}}}`
	j.Send(answer)
	j.Reply("1")
	j.Send(answer)
	j.refusedFrame(t, "the same answer again")
	j.Send(last)
	j.Reply(`"last"`)
	j.finish(t)
	if diff := cmp.Diff([]string{hello, ask, answer, last}, j.received(t)); diff != "" {
		t.Errorf("the server received (-want +got):\n%s", diff)
	}
}

// What is left when the input ends within a line is no message, even where it
// could be read as one.
func TestHalfALineAtTheEnd(t *testing.T) {
	for _, half := range []string{`{"jsonrpc":"2.0","id":1,"method":"tools/ca`, last} {
		j := guarding{}.journaled(t)
		j.Send(hello)
		j.Reply("0")
		j.SendBytes([]byte(half))
		j.CloseStdin()
		j.refusedFrame(t, half)
		if got := refusals(j.finish(t), "request_malformed"); got != 1 {
			t.Errorf("%d records, want 1", got)
		}
		if diff := cmp.Diff([]string{hello}, j.received(t)); diff != "" {
			t.Errorf("the server received (-want +got):\n%s", diff)
		}
	}
}

// Lines that end in CRLF, and empty lines between messages, are how some
// clients write: no message is lost and none is made up.
func TestLineEnds(t *testing.T) {
	j := guarding{}.journaled(t)
	j.SendBytes([]byte("\n\r\n" + hello + "\r\n\n" + last + "\n\r\n"))
	j.Reply("0")
	j.Reply(`"last"`)
	j.finish(t)
	if diff := cmp.Diff([]string{hello, last}, j.received(t)); diff != "" {
		t.Errorf("the server received (-want +got):\n%s", diff)
	}
}
