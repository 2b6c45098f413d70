package control

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// piped is a listener whose connections are pipes: nothing is buffered in them,
// and their time is that of the test.
type piped struct {
	conns chan net.Conn
	over  chan struct{}
}

func (p *piped) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.over:
		return nil, net.ErrClosed
	}
}

func (p *piped) Close() error {
	select {
	case <-p.over:
	default:
		close(p.over)
	}
	return nil
}

func (p *piped) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// connected serves a bureau and connects to it.
func connected(t *testing.T) (c net.Conn, s *Server) {
	t.Helper()
	l := &piped{make(chan net.Conn), make(chan struct{})}
	s = serveSocket(l, unserved(t).opt, func(net.Conn) bool { return true })
	t.Cleanup(func() { _ = s.Close() })
	here, there := net.Pipe()
	t.Cleanup(func() { _ = here.Close() })
	l.conns <- there
	return here, s
}

// closed returns how long the other end takes to close a connection.
func closed(t *testing.T, c net.Conn) time.Duration {
	t.Helper()
	began := time.Now()
	_, _ = io.Copy(io.Discard, c) // until it is
	return time.Since(began)
}

// Whoever follows the log and does not read is let go, and leaves a place; one
// that reads stays, however long nothing happens.
func TestAFollowerThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := connected(t)
		if _, err := fmt.Fprintf(c, "GET /v1/events HTTP/1.1\r\nHost: custos\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(c)
		for beats := 0; beats < 8; { // two minutes
			line, err := in.ReadString('\n')
			if err != nil {
				t.Fatalf("after %d beats: %v", beats, err)
			}
			if strings.TrimSpace(line) == ":" {
				beats++
			}
		}
		time.Sleep(s.opt.Heartbeat + patience + time.Second) // and reads nothing
		synctest.Wait()
		if n := len(s.followers); n != 0 {
			t.Errorf("%d followers, and nobody reads", n)
		}
	})
}

// A connection that sends nothing, or never an end, is closed.
func TestConnectionsThatSendNothing(t *testing.T) {
	for sent, most := range map[string]time.Duration{
		"":                                 headTime,
		"GET /v1/status HTTP/1.1\r\nHost:": headTime,
		"POST /v1/approvals/a_1/answer HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{": bodyTime,
	} {
		synctest.Test(t, func(t *testing.T) {
			c, _ := connected(t)
			if _, err := io.WriteString(c, sent); err != nil {
				t.Fatal(err)
			}
			if took := closed(t, c); took > most+time.Second {
				t.Errorf("%q: after %v", sent, took)
			}
		})
	}
}

// A head without an end is refused before it fills memory.
func TestLargeHeads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := connected(t)
		written := make(chan int, 1)
		go func() {
			n, _ := io.WriteString(c, "GET /v1/status HTTP/1.1\r\nHost: x\r\nA: "+strings.Repeat("a", 1<<20))
			written <- n
		}()
		closed(t, c)
		if n := <-written; n > 4*maxHeader {
			t.Errorf("%d bytes of a head were read", n)
		}
	})
}
