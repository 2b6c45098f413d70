// Package demo is the story that `custos demo` tells: a small MCP server, a
// scripted agent that talks to it through Custos, and the cases it goes
// through.
//
// The server is gullible on purpose: it opens whatever path it is given. What
// keeps the agent inside its project is the guard in front of it.
package demo

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// A Server is a filesystem MCP server over stdio, in the stateful era. It
// lists the definitions it was given and serves four of them.
type Server struct {
	// Tools is the raw JSON array of tool definitions.
	Tools json.RawMessage
}

type call struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params struct {
		ProtocolVersion string `json:"protocolVersion"`
		Name            string `json:"name"`
		Arguments       struct {
			Path    string   `json:"path"`
			Paths   []string `json:"paths"`
			Content string   `json:"content"`
		} `json:"arguments"`
	} `json:"params"`
}

type answer struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  any             `json:"result,omitempty"`
	Error   any             `json:"error,omitempty"`
}

// Serve answers requests until the input ends.
func (s *Server) Serve(in io.Reader, out io.Writer) error {
	r := bufio.NewReader(in)
	enc := json.NewEncoder(out)
	for {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var c call
		if err := json.Unmarshal(line, &c); err != nil {
			return fmt.Errorf("not a message: %w", err)
		}
		if c.ID == nil {
			continue // a notification
		}
		if err := enc.Encode(s.answer(&c)); err != nil {
			return err
		}
	}
}

func (s *Server) answer(c *call) answer {
	a := answer{JSONRPC: "2.0", ID: c.ID}
	switch c.Method {
	case "initialize":
		a.Result = map[string]any{
			"protocolVersion": c.Params.ProtocolVersion,
			"capabilities":    map[string]any{"tools": map[string]any{}},
			"serverInfo":      map[string]any{"name": "custos-demo-files", "version": "1"},
		}
	case "ping":
		a.Result = map[string]any{}
	case "tools/list":
		a.Result = map[string]any{"tools": s.Tools}
	case "tools/call":
		text, err := do(c)
		if err != nil {
			text = err.Error()
		}
		a.Result = map[string]any{
			"content": []any{map[string]any{"type": "text", "text": text}},
			"isError": err != nil,
		}
	default:
		a.Error = map[string]any{"code": -32601, "message": "method not found"}
	}
	return a
}

// do runs one tool without asking whether it should.
func do(c *call) (string, error) {
	arg := c.Params.Arguments
	switch c.Params.Name {
	case "read_text_file":
		data, err := os.ReadFile(arg.Path)
		return string(data), err
	case "list_directory":
		entries, err := os.ReadDir(arg.Path)
		names := make([]string, len(entries))
		for i, e := range entries {
			names[i] = e.Name()
		}
		return strings.Join(names, "\n"), err
	case "write_file":
		return "written", os.WriteFile(arg.Path, []byte(arg.Content), 0o600)
	case "read_multiple_files":
		var all []byte
		for _, path := range arg.Paths {
			data, err := os.ReadFile(path)
			if err != nil {
				return "", err
			}
			all = append(all, data...)
		}
		return string(all), nil
	default:
		return "", fmt.Errorf("unknown tool %s", c.Params.Name)
	}
}
