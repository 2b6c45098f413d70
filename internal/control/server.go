package control

import (
	"cmp"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/custos-zt/custos/internal/admin"
	"github.com/custos-zt/custos/internal/approval"
)

const (
	// maxConns is how many connections a door serves at once; more are closed.
	maxConns = 32
	// maxHeader bounds the head of a request.
	maxHeader = 16 << 10
	// A request is sent within these, or its connection is closed.
	headTime, bodyTime, idleTime = 5 * time.Second, 10 * time.Second, 2 * time.Minute
	// answerTime bounds an answer that is no stream.
	answerTime = time.Minute
)

// Options say what a server serves.
type Options struct {
	Operations *admin.Operations
	// Person is who answers at a door where the kernel or a token says so.
	Person func() approval.Person
	// Heartbeat is how often a silent stream of events says that it lives; 0 is
	// 15 seconds.
	Heartbeat time.Duration
}

// Server serves one door. It is made by [ServeSocket] or [ServePage].
type Server struct {
	opt       Options
	http      *http.Server
	followers chan struct{}
	served    sync.WaitGroup
}

func newServer(o Options) *Server {
	o.Heartbeat = cmp.Or(o.Heartbeat, 15*time.Second)
	return &Server{opt: o, followers: make(chan struct{}, maxFollowers)}
}

// serve serves h on l until [Server.Close].
func (s *Server) serve(l net.Listener, h http.Handler) {
	s.http = &http.Server{
		Handler: h, ReadHeaderTimeout: headTime, ReadTimeout: bodyTime, WriteTimeout: answerTime, IdleTimeout: idleTime,
		MaxHeaderBytes: maxHeader, DisableGeneralOptionsHandler: true,
		// Standard error is the guard's; what strangers send has no place there.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	s.served.Go(func() { _ = s.http.Serve(l) }) // it ends with Close
}

// Close ends the server and every connection, streams too.
func (s *Server) Close() error {
	err := s.http.Close()
	s.served.Wait()
	return err
}

// ServeSocket serves the API on the socket of a slot. Whoever connects MUST be
// the user of this process, which the kernel says, and may answer: that user
// could open state.db anyway. An answer has assurance host, or code.
func ServeSocket(l *net.UnixListener, o Options) *Server {
	return serveSocket(l, o, func(c net.Conn) bool { return ownPeer(c) })
}

func serveSocket(l net.Listener, o Options, own func(net.Conn) bool) *Server {
	s := newServer(o)
	mux := http.NewServeMux()
	s.api(mux, func(*http.Request) (admin.Caller, *problem) {
		return admin.Caller{Capability: admin.Approver, Person: o.Person(), Channel: "cli"}, nil
	})
	s.serve(&gate{Listener: l, admit: own, room: make(chan struct{}, maxConns)}, mux)
	return s
}

// gate is a listener that closes connections of strangers, and those that are
// too many.
type gate struct {
	net.Listener
	admit func(net.Conn) bool
	room  chan struct{}
}

// Accept returns the next connection that may be served.
func (g *gate) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if !g.admit(c) {
			c.Close()
			continue
		}
		select {
		case g.room <- struct{}{}:
			return &counted{Conn: c, leave: sync.OnceFunc(func() { <-g.room })}, nil
		default:
			c.Close()
		}
	}
}

// counted is a connection that gives its place back.
type counted struct {
	net.Conn
	leave func()
}

// Close closes the connection.
func (c *counted) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
