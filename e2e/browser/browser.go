// Package browser drives a real browser the way tests need it: it opens a page,
// clicks where a person would, and keeps what the page asked the network for and
// what its content policy forbade.
//
// The browser is spoken to over two pipes in the Chrome DevTools Protocol, whose
// messages end with a zero byte: no port is opened, and no library is needed.
// Every method fails the test when what it waits for does not come. A [Browser]
// and its pages are used by one goroutine.
package browser

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Patience is how long a method waits before it fails the test. A browser on a
// machine under load is slow.
const Patience = 3 * time.Minute

// Browser is one started browser.
type Browser struct {
	t    testing.TB
	to   *os.File
	errs *bytes.Buffer
	gone chan struct{} // closed when it answers no more

	mu       sync.Mutex
	next     int
	waiting  map[int]chan message
	requests map[string][]string // URLs, by session
}

// message is one message of the protocol, in either direction.
type message struct {
	ID      int             `json:"id,omitempty"`
	Session string          `json:"sessionId,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// Start starts a browser with an empty profile. It is killed when the test ends.
// Where it cannot show even an empty page the test is skipped, and fails under
// CUSTOS_RELIABILITY.
func Start(t testing.TB, program, libraries string) *Browser {
	t.Helper()
	theirIn, ourOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ourIn, theirOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	// A child that dies slowly may still write there when the test ends.
	profile, err := os.MkdirTemp("", "browser") //nolint:usetesting // t.TempDir would fail the test for it
	if err != nil {
		t.Fatal(err)
	}
	b := &Browser{t: t, to: ourOut, errs: &bytes.Buffer{}, gone: make(chan struct{}), waiting: map[int]chan message{}, requests: map[string][]string{}}
	cmd := exec.Command(program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-extensions",
		"--disable-background-networking", "--no-first-run", "--user-data-dir="+profile, "--remote-debugging-pipe", "about:blank")
	cmd.Env = append(os.Environ(), "LANG=en_US.UTF-8", "LD_LIBRARY_PATH="+libraries, "HOME="+profile)
	cmd.ExtraFiles = []*os.File{theirIn, theirOut} // 3 and 4
	cmd.Stderr = b.errs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatalf("%s: %v", program, err)
	}
	theirIn.Close()
	theirOut.Close()
	go b.read(ourIn)
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // with its children
		_ = cmd.Wait()
		ourOut.Close()
		<-b.gone
		_ = os.RemoveAll(profile)
		if t.Failed() {
			t.Logf("the browser's standard error:\n%s", b.errs)
		}
	})
	if err := b.works(); err != nil {
		if os.Getenv("CUSTOS_RELIABILITY") != "" {
			t.Fatal(err)
		}
		t.Skipf("the browser does not work here: %v", err)
	}
	return b
}

// works shows an empty page: machines differ in what of the system a browser may
// use.
func (b *Browser) works() error {
	var target struct {
		ID string `json:"targetId"`
	}
	if err := b.call("", "Target.createTarget", map[string]any{"url": "about:blank"}, &target); err != nil {
		return err
	}
	var attached struct {
		Session string `json:"sessionId"`
	}
	if err := b.call("", "Target.attachToTarget", map[string]any{"targetId": target.ID, "flatten": true}, &attached); err != nil {
		return err
	}
	return b.call(attached.Session, "Runtime.evaluate", map[string]any{"expression": "1 + 1"}, nil)
}

// read takes what the browser says.
func (b *Browser) read(from *os.File) {
	defer close(b.gone)
	defer from.Close()
	in := bufio.NewReader(from)
	for {
		line, err := in.ReadBytes(0)
		if err != nil {
			return
		}
		var m message
		if json.Unmarshal(bytes.TrimSuffix(line, []byte{0}), &m) != nil {
			continue
		}
		b.mu.Lock()
		switch c := b.waiting[m.ID]; {
		case m.ID != 0 && c != nil:
			delete(b.waiting, m.ID)
			c <- m
		case m.Method == "Network.requestWillBeSent":
			var sent struct {
				Request struct {
					URL string `json:"url"`
				} `json:"request"`
			}
			if json.Unmarshal(m.Params, &sent) == nil {
				b.requests[m.Session] = append(b.requests[m.Session], sent.Request.URL)
			}
		}
		b.mu.Unlock()
	}
}

// call makes one call of the protocol; result may be nil.
func (b *Browser) call(session, method string, params map[string]any, result any) error {
	raw, err := json.Marshal(params)
	if err != nil {
		return err
	}
	answer := make(chan message, 1)
	b.mu.Lock()
	b.next++
	m := message{ID: b.next, Session: session, Method: method, Params: raw}
	b.waiting[m.ID] = answer
	b.mu.Unlock()
	line, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if _, err := b.to.Write(append(line, 0)); err != nil {
		return err
	}
	select {
	case m = <-answer:
	case <-b.gone:
		return fmt.Errorf("%s: the browser is gone", method)
	case <-time.After(Patience):
		return fmt.Errorf("%s: no answer in %v", method, Patience)
	}
	if m.Error != nil {
		return fmt.Errorf("%s: %s", method, m.Error.Message)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(m.Result, result)
}
