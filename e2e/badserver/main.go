// Command badserver is an MCP server over stdio that misbehaves on request.
// Tests put it behind Custos to see that a bad backend ends in a clear error,
// a denial where a decision was due, no orphan and an intact log.
//
// It speaks raw newline-delimited JSON-RPC and uses no MCP library, so that it
// can say what a library would not. A tool misbehaves once, when it is called
// (see tools.go for the list); a flag makes the whole process misbehave:
//
//	-journal FILE  append "id TAB tool TAB arguments" for every tools/call that
//	               is executed, durably, before it is answered
//	-seen FILE     append every line received, byte for byte, before acting on it
//	-exit N        exit with status N at once
//	-garbage       write lines that are no JSON-RPC before the first answer
//	-silent        read everything, answer nothing
//	-deaf          read nothing
//	-stubborn      survive SIGTERM, SIGINT, SIGHUP and the end of stdin
//	-tools A,B     list further tools under these names; each works as echo
//
// So that a failing test leaves nothing behind for long, the process and what
// it forks end themselves after -life (two minutes).
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

type server struct {
	out     sync.Mutex // held while one line is written to stdout
	journal *os.File
	seen    *os.File
	extra   []string
	silent  bool

	asking sync.Mutex
	asked  map[string]chan json.RawMessage // open requests to the client, by id
}

// frame is what badserver reads of a message; the rest does not matter to it.
type frame struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params struct {
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
	} `json:"params"`
}

func main() {
	journal := flag.String("journal", "", "append every executed tools/call to this `file`")
	seen := flag.String("seen", "", "append every received line to this `file`")
	exit := flag.Int("exit", -1, "exit with this `status` at once")
	garbage := flag.Bool("garbage", false, "write garbage before the first answer")
	silent := flag.Bool("silent", false, "answer nothing")
	deaf := flag.Bool("deaf", false, "read nothing")
	stubborn := flag.Bool("stubborn", false, "survive signals and the end of stdin")
	tools := flag.String("tools", "", "further tools, comma-separated")
	life := flag.Duration("life", 2*time.Minute, "end after this `time` whatever happens")
	flag.Parse()

	if *exit >= 0 {
		os.Exit(*exit)
	}
	time.AfterFunc(*life, func() { os.Exit(99) })
	if *stubborn {
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	}
	s := &server{
		journal: open(*journal), seen: open(*seen), silent: *silent,
		asked: map[string]chan json.RawMessage{},
	}
	if *tools != "" {
		s.extra = strings.Split(*tools, ",")
	}
	if *garbage {
		s.garbage()
	}
	if *deaf {
		select {} // until -life or a signal ends it
	}
	s.serve(os.Stdin)
	if *stubborn {
		select {} // until -life ends it
	}
}

// open opens a file for appending; "" is none.
func open(path string) *os.File {
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		fmt.Fprintln(os.Stderr, "badserver:", err)
		os.Exit(2)
	}
	return f
}

// serve handles lines until r ends. Calls run side by side, as in a real
// server: a slow one delays no other. It returns when all have ended.
func (s *server) serve(r io.Reader) {
	var calls sync.WaitGroup
	defer calls.Wait()
	in := bufio.NewReaderSize(r, 1<<16)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			if !errors.Is(err, io.EOF) {
				fmt.Fprintln(os.Stderr, "badserver:", err)
			}
			return
		}
		s.record(s.seen, line)
		var f frame
		if json.Unmarshal(line, &f) != nil || s.silent {
			continue
		}
		switch {
		case f.Method == "" && f.ID != nil:
			s.answered(string(f.ID), line)
		case f.Method == "tools/call":
			args := f.Params.Arguments
			if args == nil {
				args = json.RawMessage("{}")
			}
			s.record(s.journal, fmt.Appendf(nil, "%s\t%s\t%s\n", f.ID, f.Params.Name, args))
			calls.Go(func() { s.call(f.ID, f.Params.Name, args) })
		case f.ID != nil:
			s.answer(f)
		}
	}
}

// record appends one line and makes it durable before it returns. A server
// that cannot keep its journal proves nothing, so it stops.
func (s *server) record(f *os.File, line []byte) {
	if f == nil {
		return
	}
	_, err := f.Write(line)
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "badserver:", err)
		os.Exit(2)
	}
}

// answer replies to everything that is not a tools/call.
func (s *server) answer(f frame) {
	switch f.Method {
	case "initialize":
		s.reply(f.ID, `{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"badserver","version":"1"}}`)
	case "ping":
		s.reply(f.ID, `{}`)
	case "tools/list":
		type tool struct {
			Name        string         `json:"name"`
			Description string         `json:"description"`
			InputSchema map[string]any `json:"inputSchema"`
		}
		list := []tool{}
		for _, name := range append(toolNames(), s.extra...) {
			list = append(list, tool{name, "misbehaves: " + name, map[string]any{"type": "object"}})
		}
		text, err := json.Marshal(map[string]any{"tools": list})
		if err != nil {
			panic(err) // strings and maps of strings
		}
		s.reply(f.ID, string(text))
	default:
		s.line(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"method not found"}}`, f.ID))
	}
}

// reply writes a result, given as JSON text.
func (s *server) reply(id json.RawMessage, result string) {
	s.line(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":%s}`, id, result))
}

// text answers a tools/call with one text block.
func (s *server) text(id json.RawMessage, text string) {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string
	}
	s.reply(id, `{"content":[{"type":"text","text":`+string(quoted)+`}]}`)
}

func (s *server) line(text string) { s.write(text + "\n") }

// write writes to stdout and ends the process when nobody reads any more.
func (s *server) write(text string) {
	s.out.Lock()
	defer s.out.Unlock()
	if _, err := io.WriteString(os.Stdout, text); err != nil {
		os.Exit(3)
	}
}
