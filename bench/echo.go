package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The calls that the load generator sends, around a fixed-width id and the
// payload, and the answers to them. The echo server recognises them by their
// bytes, so that it costs next to nothing.
const (
	callHead   = `{"jsonrpc":"2.0","id":`
	callMiddle = `,"method":"tools/call","params":{"name":"echo","arguments":{"message":"`
	callTail   = `"}}}` + "\n"

	answerMiddle = `,"result":{"content":[{"type":"text","text":"`
	answerTail   = `"}]}}` + "\n"
)

// echo is the MCP server behind everything that is measured: it answers each
// call with its message until in ends. Everything but the calls of the load
// generator goes the slow way.
func echo(in io.Reader, out io.Writer) error {
	r := bufio.NewReaderSize(in, 1<<16)
	var long, answer []byte
	for {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			long = append(long[:0], line...)
			for errors.Is(err, bufio.ErrBufferFull) {
				line, err = r.ReadSlice('\n')
				long = append(long, line...)
			}
			line = long
		}
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		id, message, ok := parseCall(line)
		if ok {
			answer = append(append(answer[:0], callHead...), id...)
			answer = append(append(append(answer, answerMiddle...), message...), answerTail...)
		} else if answer, err = slowAnswer(line); err != nil {
			return err
		}
		if len(answer) == 0 {
			continue
		}
		if _, err := out.Write(answer); err != nil {
			return err
		}
	}
}

// parseCall takes a call of the load generator apart without decoding it.
func parseCall(line []byte) (id, message []byte, ok bool) {
	rest, ok := bytes.CutPrefix(line, []byte(callHead))
	if !ok {
		return nil, nil, false
	}
	comma := bytes.IndexByte(rest, ',')
	if comma < 0 {
		return nil, nil, false
	}
	message, ok = bytes.CutPrefix(rest[comma:], []byte(callMiddle))
	if !ok {
		return nil, nil, false
	}
	message, ok = bytes.CutSuffix(message, []byte(callTail))
	return rest[:comma], message, ok
}

// slowAnswer answers everything else; it returns nothing for a notification.
func slowAnswer(line []byte) ([]byte, error) {
	var f struct {
		ID     json.RawMessage `json:"id"`
		Method string          `json:"method"`
		Params struct {
			Arguments struct {
				Message string `json:"message"`
			} `json:"arguments"`
		} `json:"params"`
	}
	if err := json.Unmarshal(line, &f); err != nil {
		return nil, fmt.Errorf("echo: %w", err)
	}
	if f.ID == nil {
		return nil, nil
	}
	var result string
	switch f.Method {
	case "initialize":
		result = `{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"echo","version":"1"}}`
	case "tools/list":
		result = `{"tools":[{"name":"echo","description":"Answers with the message.","inputSchema":{"type":"object","properties":{"message":{"type":"string"}},"required":["message"]}}]}`
	case "tools/call":
		text, err := json.Marshal(f.Params.Arguments.Message)
		if err != nil {
			return nil, err
		}
		result = `{"content":[{"type":"text","text":` + string(text) + `}]}`
	default:
		result = "{}"
	}
	return []byte(callHead + strings.TrimSpace(string(f.ID)) + `,"result":` + result + "}\n"), nil
}
