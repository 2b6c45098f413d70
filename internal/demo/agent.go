package demo

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// Agent drives a guarded server over the guard's standard streams, as an MCP
// client does.
type Agent struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	lines  chan []byte
	nextID int
}

// patience is how long the agent waits for one answer.
const patience = 20 * time.Second

// Start runs the guard and opens a session through it.
func Start(argv []string, stderr io.Writer) (*Agent, error) {
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:gosec // our own program
	cmd.Stderr = stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	a := &Agent{cmd: cmd, in: in, lines: make(chan []byte)}
	go func() {
		defer close(a.lines)
		for r := bufio.NewReader(out); ; {
			line, err := r.ReadBytes('\n')
			if err != nil {
				return
			}
			a.lines <- line
		}
	}()
	if _, err := a.Do(`"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"demo-agent","version":"1"}}`); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	_, err = io.WriteString(in, `{"jsonrpc":"2.0","method":"notifications/initialized"}`+"\n")
	return a, err
}

// Reply is what came back for one step.
type Reply struct {
	Text       string
	DecisionID string // set where Custos answered in place of the server
	PendingID  string // set where a person may still allow the call
}

// Do sends one request and reads its answer.
func (a *Agent) Do(request string) (Reply, error) {
	a.nextID++
	if _, err := fmt.Fprintf(a.in, `{"jsonrpc":"2.0","id":%d,%s}`+"\n", a.nextID, request); err != nil {
		return Reply{}, err
	}
	select {
	case line, ok := <-a.lines:
		if !ok {
			return Reply{}, errors.New("the guard ended before it answered")
		}
		return read(line)
	case <-time.After(patience):
		return Reply{}, errors.New("the guard does not answer")
	}
}

func read(line []byte) (Reply, error) {
	var m struct {
		Result struct {
			Content []struct {
				Text string `json:"text"`
			} `json:"content"`
			Meta struct {
				DecisionID string `json:"decision_id"`
				PendingID  string `json:"pending_id"`
			} `json:"_meta"`
		} `json:"result"`
		Error *struct {
			Message string `json:"message"`
			Data    struct {
				DecisionID string `json:"decision_id"`
			} `json:"data"`
		} `json:"error"`
	}
	if err := json.Unmarshal(line, &m); err != nil {
		return Reply{}, err
	}
	if m.Error != nil {
		return Reply{Text: m.Error.Message, DecisionID: m.Error.Data.DecisionID}, nil
	}
	r := Reply{DecisionID: m.Result.Meta.DecisionID, PendingID: m.Result.Meta.PendingID}
	if len(m.Result.Content) > 0 {
		r.Text = m.Result.Content[0].Text
	}
	return r, nil
}

// Close ends the session and waits for the guard.
func (a *Agent) Close() error {
	_ = a.in.Close()
	killer := time.AfterFunc(patience, func() { _ = a.cmd.Process.Signal(os.Kill) })
	defer killer.Stop()
	for range a.lines {
	}
	return a.cmd.Wait()
}
