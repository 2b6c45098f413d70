package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// session is one started command that speaks MCP over its pipes.
type session struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr tail
}

// start starts a command and returns when its initialize was answered, with
// the time that took.
func start(command []string) (*session, time.Duration, error) {
	cmd := exec.Command(command[0], command[1:]...)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, 0, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, 0, err
	}
	s := sessionOn(in, out)
	s.cmd, cmd.Stderr = cmd, &s.stderr
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, 0, err
	}
	_, err = s.ask(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}`)
	if err != nil {
		return nil, 0, s.abort(err)
	}
	return s, time.Since(began), nil
}

// sessionOn makes a session of two pipes. Its buffer takes the largest answer
// whole.
func sessionOn(in io.WriteCloser, out io.Reader) *session {
	return &session{in: in, out: bufio.NewReaderSize(out, 1<<21)}
}

// ready completes the handshake as a client does before its first call.
func (s *session) ready() error {
	if _, err := io.WriteString(s.in, `{"jsonrpc":"2.0","method":"notifications/initialized"}`+"\n"); err != nil {
		return s.abort(err)
	}
	if _, err := s.ask(`{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{}}`); err != nil {
		return s.abort(err)
	}
	return nil
}

// ask sends one request and returns the line that comes back.
func (s *session) ask(request string) ([]byte, error) {
	if _, err := io.WriteString(s.in, request+"\n"); err != nil {
		return nil, err
	}
	line, err := s.out.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	if !bytes.Contains(line, []byte(`"result"`)) {
		return nil, fmt.Errorf("answered %s", bytes.TrimSpace(line))
	}
	return line, nil
}

// memory returns a figure of /proc/PID/status of the started process itself,
// not of what it started: "VmHWM" is its peak, "VmRSS" its present size. In
// bytes.
func (s *session) memory(field string) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kib * 1024, err
		}
	}
	return 0, fmt.Errorf("no %s in /proc/PID/status", field)
}

// cpu returns how long the threads of the started process have run, its
// children not counted.
func (s *session) cpu() (time.Duration, error) {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	var total time.Duration
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if errors.Is(err, os.ErrNotExist) {
			continue // the thread has ended
		} else if err != nil {
			return 0, err
		}
		ran, _, _ := strings.Cut(string(text), " ")
		ns, err := strconv.ParseInt(ran, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", task, err)
		}
		total += time.Duration(ns)
	}
	return total, nil
}

// end closes stdin and waits; anything but a clean end is an error.
func (s *session) end() error {
	_ = s.in.Close() // a process that is gone shows in Wait
	if _, err := io.Copy(io.Discard, s.out); err != nil {
		return s.abort(err)
	}
	if err := s.cmd.Wait(); err != nil {
		return fmt.Errorf("%w; stderr: %s", err, s.stderr.text())
	}
	return nil
}

// abort kills the process and says why, with what it had to say.
func (s *session) abort(err error) error {
	_ = s.in.Close()
	timer := time.AfterFunc(2*time.Second, func() { _ = s.cmd.Process.Kill() })
	defer timer.Stop()
	wait := s.cmd.Wait()
	return errors.Join(fmt.Errorf("%w; stderr: %s", err, s.stderr.text()), wait)
}

// tail keeps the end of what is written to it.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	if len(t.b) > 4096 {
		t.b = append(t.b[:0], t.b[len(t.b)-2048:]...)
	}
	return len(p), nil
}

// text is called once the process has been waited for, when nothing is
// written any more.
func (t *tail) text() string { return strings.TrimSpace(string(t.b)) }
