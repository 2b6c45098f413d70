package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// arguments are what the tools understand; each reads those it names.
type arguments struct {
	Message string          `json:"message"` // echo, stderr: the text
	Code    int             `json:"code"`    // die, half: the exit status
	Signal  int             `json:"signal"`  // die: the signal to end by instead
	Away    bool            `json:"away"`    // fork: leave the process group, too
	Kind    string          `json:"kind"`    // flood: bytes, notifications, progress or replies
	Count   int             `json:"count"`   // flood: how many; 0 is without end
	MS      int             `json:"ms"`      // slow: how long, in milliseconds
	Bytes   int             `json:"bytes"`   // huge: how long the text is; flood: further bytes of a notification
	Method  string          `json:"method"`  // ask: what to ask the client
	Params  json.RawMessage `json:"params"`  // ask: with what
}

// toolNames lists the tools:
//
//	echo       answers with the message
//	die        exits with status code or by signal, unanswered
//	half       writes half an answer and exits with status code
//	hang       never answers
//	slow       answers after ms
//	huge       answers with a text of that many bytes
//	flood      writes count (0: endless) bytes without a newline, notifications, progress or replies nobody asked for, then answers
//	garbage    writes lines that are no JSON-RPC, then answers
//	duplicate  answers with duplicate keys in the result
//	twice      answers two times
//	misdirect  answers under an id that was never sent, then rightly
//	exotic     answers with unknown content, unknown fields and numbers beyond 2^53
//	stderr     writes the message to stderr and answers
//	fork       starts a grandchild that ignores SIGTERM and keeps stdout open; answers its process id
//	litter     leaves count orphans that end at once
//	mute       closes stdout and lives on
//	ask        sends the client a request and answers with the client's reply
func toolNames() []string {
	return []string{
		"echo", "die", "half", "hang", "slow", "huge", "flood", "garbage", "duplicate",
		"twice", "misdirect", "exotic", "stderr", "fork", "litter", "mute", "ask",
	}
}

// call executes one tool.
func (s *server) call(id json.RawMessage, name string, raw json.RawMessage) {
	var a arguments
	if err := json.Unmarshal(raw, &a); err != nil {
		s.line(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"error":{"code":-32602,"message":"arguments"}}`, id))
		return
	}
	switch name {
	case "die":
		s.die(a)
	case "half":
		s.write(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"te`, id))
		os.Exit(a.Code)
	case "hang":
		return
	case "slow":
		time.Sleep(time.Duration(a.MS) * time.Millisecond)
		s.text(id, "slow")
	case "huge":
		s.text(id, strings.Repeat("h", a.Bytes))
	case "flood":
		s.flood(a)
		s.text(id, "flooded")
	case "garbage":
		s.garbage()
		s.text(id, "after garbage")
	case "duplicate":
		s.reply(id, `{"content":[{"type":"text","text":"seen"}],"content":[{"type":"text","text":"smuggled"}],"isError":true,"isError":false}`)
	case "twice":
		s.text(id, "first")
		s.text(id, "second")
	case "misdirect":
		s.text(json.RawMessage(`"never-sent"`), "misdirected")
		s.text(id, "right")
	case "exotic":
		s.reply(id, exotic)
	case "stderr":
		fmt.Fprintln(os.Stderr, a.Message)
		s.text(id, "written")
	case "fork":
		s.fork(id, a.Away)
	case "litter":
		s.litter(id, a.Count)
	case "mute":
		os.Stdout.Close()
	case "ask":
		s.ask(id, a)
	default:
		s.echo(id, name, a)
	}
}

// die ends the process without an answer.
func (s *server) die(a arguments) {
	if a.Signal != 0 {
		_ = syscall.Kill(os.Getpid(), syscall.Signal(a.Signal))
		select {} // until it is delivered
	}
	os.Exit(a.Code)
}

// exotic is a result that no typed library keeps whole.
const exotic = `{"content":[{"type":"hologram","data":{"deep":[1,{"x":null}]}},{"type":"text","text":"é\u0007 \ud83d\ude00","x-vendor":true}],` +
	`"structuredContent":{"big":9007199254740993,"exact":1.10,"exp":1E400},"x-future":[[],{}],"_meta":{"example/trace":"t-1"}}`

func (s *server) echo(id json.RawMessage, name string, a arguments) {
	for _, known := range append(toolNames(), s.extra...) {
		if name == known {
			s.text(id, a.Message)
			return
		}
	}
	s.line(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"error":{"code":-32602,"message":"unknown tool"}}`, id))
}

// flood writes what nobody asked for.
func (s *server) flood(a arguments) {
	chunk, padding := strings.Repeat("x", 4096), strings.Repeat("p", a.Bytes)
	for n := 0; a.Count == 0 || n < a.Count; n++ {
		switch a.Kind {
		case "notifications":
			s.line(fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"flood %d%s"}}`, n, padding))
		case "progress":
			s.line(fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"nobody","progress":%d}}`, n))
		case "replies":
			s.line(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"result":{"content":[]}}`, 1_000_000+n))
		default:
			size := len(chunk)
			if a.Count > 0 {
				size = min(size, a.Count-n)
				n += size - 1
			}
			s.write(chunk[:size])
		}
	}
	if a.Kind == "bytes" || a.Kind == "" { // end the line, so that what follows can be read
		s.write("\n")
	}
}

// garbage writes lines that are no message, or not one unambiguous message.
func (s *server) garbage() {
	for _, line := range []string{
		"Server started on stdio", "{", `[1,2]`, `{"jsonrpc":"2.0"}`, "\x1b[31mred\x1b[0m", "\xff\xfe",
		`{"jsonrpc":"2.0","method":"notifications/message","method":"tools/call"}`, "",
	} {
		s.line(line)
	}
}

// fork starts a grandchild that outlives every polite request to end.
func (s *server) fork(id json.RawMessage, away bool) {
	self, err := os.Executable()
	if err != nil {
		s.text(id, err.Error())
		return
	}
	child := exec.Command(self, "-stubborn")
	child.Stdout, child.Stderr = os.Stdout, os.Stderr // held open: the pipe does not end with badserver
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: away}
	if err := child.Start(); err != nil {
		s.text(id, err.Error())
		return
	}
	s.text(id, fmt.Sprint(child.Process.Pid))
}

// litter leaves orphans: children of a parent that does not wait for them.
func (s *server) litter(id json.RawMessage, count int) {
	script := fmt.Sprintf("for i in $(seq %d); do true & done", count)
	if err := exec.Command("/bin/sh", "-c", script).Run(); err != nil {
		s.text(id, err.Error())
		return
	}
	s.text(id, "littered")
}

// ask sends one request to the client and answers the call with its reply.
func (s *server) ask(id json.RawMessage, a arguments) {
	key := fmt.Sprintf(`"ask-%d"`, rand.Uint64())
	answer := make(chan json.RawMessage, 1)
	s.asking.Lock()
	s.asked[key] = answer
	s.asking.Unlock()
	if a.Params == nil {
		a.Params = json.RawMessage("{}")
	}
	s.line(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":%q,"params":%s}`, key, a.Method, a.Params))
	select {
	case reply := <-answer:
		s.text(id, string(reply))
	case <-time.After(30 * time.Second):
		s.text(id, "the client did not answer")
	}
}

// answered hands a reply of the client to the tool that asked for it; a reply
// to nothing is dropped.
func (s *server) answered(id string, line json.RawMessage) {
	s.asking.Lock()
	answer, ok := s.asked[id]
	delete(s.asked, id)
	s.asking.Unlock()
	if ok {
		answer <- line
	}
}
