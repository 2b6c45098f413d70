package control

import (
	"cmp"
	"errors"
	"log/slog"
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
	listener  net.Listener
	followers chan struct{}
	served    sync.WaitGroup

	mu     sync.Mutex
	http   *http.Server // nil until somebody comes
	closed bool
}

func newServer(l net.Listener, o Options, admit func(net.Conn) bool) *Server {
	o.Heartbeat = cmp.Or(o.Heartbeat, 15*time.Second)
	return &Server{
		opt: o, followers: make(chan struct{}, maxFollowers),
		listener: &gate{Listener: l, admit: admit, room: make(chan struct{}, maxConns)},
	}
}

// serve serves until [Server.Close]. Nothing but a listener is made before
// somebody comes: beside every guard there is one, and few are ever talked to.
func (s *Server) serve(handler func() http.Handler) {
	s.served.Go(func() {
		first, err := s.listener.Accept()
		if err != nil {
			return // it was closed
		}
		l := &primed{Listener: s.listener, first: first}
		if h := s.begin(handler); h != nil {
			_ = h.Serve(l) // it ends with Close
		}
		if l.first != nil {
			_ = l.first.Close() // nothing was read of it
		}
	})
}

// begin makes the server, unless it was closed.
func (s *Server) begin(handler func() http.Handler) *http.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.http = &http.Server{
		Handler: handler(), ReadHeaderTimeout: headTime, ReadTimeout: bodyTime, WriteTimeout: answerTime, IdleTimeout: idleTime,
		MaxHeaderBytes: maxHeader, DisableGeneralOptionsHandler: true,
		// Standard error is the guard's; what strangers send has no place there.
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	return s.http
}

// Close ends the server and every connection, streams too.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	h := s.http
	s.mu.Unlock()
	err := s.listener.Close()
	if h != nil {
		err = h.Close() // it closes the listener too, once more
	}
	s.served.Wait()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	return err
}

// primed is a listener with a connection that was accepted before.
type primed struct {
	net.Listener
	first net.Conn
}

// Accept returns the first connection and then the others. One goroutine calls
// it.
func (p *primed) Accept() (net.Conn, error) {
	if c := p.first; c != nil {
		p.first = nil
		return c, nil
	}
	return p.Listener.Accept()
}

// ServeSocket serves the API on the socket of a slot. Whoever connects MUST be
// the user of this process, which the kernel says, and may answer: that user
// could open state.db anyway. An answer has assurance host, or code.
func ServeSocket(l *net.UnixListener, o Options) *Server {
	return serveSocket(l, o, func(c net.Conn) bool { return ownPeer(c) })
}

func serveSocket(l net.Listener, o Options, own func(net.Conn) bool) *Server {
	s := newServer(l, o, own)
	s.serve(func() http.Handler {
		mux := http.NewServeMux()
		s.api(mux, func(*http.Request) (admin.Caller, *problem) {
			return admin.Caller{Capability: admin.Approver, Person: o.Person(), Channel: "cli"}, nil
		})
		return mux
	})
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
			_ = c.Close() // nothing was read of it
			continue
		}
		select {
		case g.room <- struct{}{}:
			return &counted{Conn: c, leave: sync.OnceFunc(func() { <-g.room })}, nil
		default:
			_ = c.Close() // nothing was read of it
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
