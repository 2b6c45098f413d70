package sink

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	syslogparser "github.com/leodido/go-syslog/v4"
	"github.com/leodido/go-syslog/v4/octetcounting"
	"github.com/leodido/go-syslog/v4/rfc5424"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/config"
)

// syslogServer is a TLS receiver whose parser is another project's.
type syslogServer struct {
	t     testing.TB
	addr  string
	inbox *inbox

	mu       sync.Mutex
	conf     *tls.Config
	listener net.Listener
	conns    map[net.Conn]bool
	messages []*rfc5424.SyslogMessage
	wg       sync.WaitGroup
}

func newSyslogServer(t testing.TB, conf *tls.Config) *syslogServer {
	t.Helper()
	s := &syslogServer{t: t, addr: "127.0.0.1:0", inbox: &inbox{}, conf: conf, conns: map[net.Conn]bool{}}
	s.listen()
	t.Cleanup(func() {
		s.hangUp()
		s.wg.Wait()
	})
	return s
}

func (s *syslogServer) listen() {
	s.t.Helper()
	l, err := tls.Listen("tcp", s.addr, s.conf)
	if err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	s.listener, s.addr = l, l.Addr().String()
	s.mu.Unlock()
	s.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns[c] = true
			s.mu.Unlock()
			s.wg.Go(func() { s.read(c) })
		}
	})
}

// read parses one connection and passes on what is whole.
func (s *syslogServer) read(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(io.TeeReader(c, tee(s.inbox.keep)))
	parser := octetcounting.NewParser(syslogparser.WithListener(func(res *syslogparser.Result) {
		if res.Error != nil {
			if !strings.Contains(res.Error.Error(), "EOF") && !strings.Contains(res.Error.Error(), "expecting") {
				s.t.Errorf("not a message: %v", res.Error)
			}
			return
		}
		m, ok := res.Message.(*rfc5424.SyslogMessage)
		if !ok {
			s.t.Errorf("%T is no message of RFC 5424", res.Message)
			return
		}
		s.mu.Lock()
		s.messages = append(s.messages, m)
		s.mu.Unlock()
		if sd := m.StructuredData; sd != nil {
			s.inbox.take((*sd)["custos@4242"]["uid"])
		}
	}))
	parser.Parse(in)
}

type tee func([]byte)

func (t tee) Write(b []byte) (int, error) {
	t(b)
	return len(b), nil
}

// hangUp ends every connection and accepts no more.
func (s *syslogServer) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.listener.Close()
	for c := range s.conns {
		_ = c.Close()
	}
	clear(s.conns)
}

func (s *syslogServer) config(ca config.TLS) *config.Syslog {
	return &config.Syslog{Address: s.addr, Format: config.FormatNDJSON, Enterprise: 4242, TLS: ca}
}

func syslogSpec(c *config.Syslog) Spec {
	env := testEnv()
	return Spec{Name: "syslog", Open: func(context.Context) (Sink, error) { return openSyslog(c, &env) }}
}

func TestCursorSuiteOfSyslog(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	cert := ca.issue("server", "127.0.0.1", inAnHour())
	for _, format := range []string{config.FormatNDJSON, config.FormatOCSF} {
		t.Run(format, func(t *testing.T) {
			runCursorSuite(t, func(t *testing.T) *receiver {
				t.Helper()
				s := newSyslogServer(t, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
				c := s.config(ca.client())
				c.Format = format
				return &receiver{spec: syslogSpec(c), inbox: s.inbox, down: func(down bool) {
					if down {
						s.hangUp()
					} else {
						s.listen()
					}
				}}
			})
		})
	}
}

// waitFor waits until the server has parsed n messages.
func (s *syslogServer) waitFor(n int) []*rfc5424.SyslogMessage {
	s.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		s.mu.Lock()
		list := s.messages
		s.mu.Unlock()
		if len(list) >= n {
			return list
		}
	}
	s.t.Fatalf("fewer than %d messages", n)
	return nil
}

func TestSyslogMessagesSayWhatHappened(t *testing.T) {
	ca := newAuthority(t)
	s := newSyslogServer(t, &tls.Config{Certificates: []tls.Certificate{ca.issue("server", "127.0.0.1", inAnHour())}, MinVersion: tls.VersionTLS12})
	w := newWorld(t)
	l := w.log(0)
	deny := l.Append(audit.Record{Kind: audit.KindAdmission, Method: "tools/call", Backend: "files", Tool: "a]b\"c\\d\x1b[2J\u202e\n", Decision: access.Deny, Reason: access.RuleDenied})
	long := l.Append(audit.Record{Kind: audit.KindAnomaly, Detail: strings.Repeat("long ", 4000)})
	if err := long.Wait(); err != nil {
		t.Fatal(err)
	}
	var huge []access.Match
	for range 200 {
		huge = append(huge, access.Match{Rule: strings.Repeat("r", 60), Effect: access.Deny})
	}
	if err := l.Append(audit.Record{Kind: audit.KindAdmission, Matched: huge, Decision: access.Deny}).Wait(); err != nil {
		t.Fatal(err)
	}
	if err := w.ship(syslogSpec(s.config(ca.client())), nil); err != nil {
		t.Fatal(err)
	}
	list := s.waitFor(4)
	m := list[1]
	params := (*m.StructuredData)["custos@4242"]
	if params["id"] != audit.FormatID(0, deny.Seq()) || params["decision"] != "deny" || params["tool"] != `a]b"c\\d\x1b[2J\u202e\n` {
		t.Errorf("structured data %q", params)
	}
	if *m.Priority != 13*8+4 || *m.Hostname != "host" || *m.Appname != "custos" || *m.MsgID != "admission" || m.Timestamp.IsZero() {
		t.Errorf("header %v %v %v %v %v", *m.Priority, *m.Hostname, *m.Appname, *m.MsgID, m.Timestamp)
	}
	if !strings.Contains(*m.Message, `"hash":"`) || !strings.Contains(*m.Message, `"reason":"rule_denied"`) {
		t.Errorf("message %q", *m.Message)
	}
	if *list[2].Severity != 3 || len(*list[2].Message) > maxSyslog {
		t.Errorf("severity %d, %d bytes", *list[2].Severity, len(*list[2].Message))
	}
	if text := *list[3].Message; !strings.Contains(text, `"too_long":`) || !strings.Contains(text, `"kind":"admission"`) {
		t.Errorf("a record that is too long: %.200q", text)
	}
}

func TestSyslogTrustsNobodyItCannotCheck(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	for name, c := range map[string]struct {
		cert tls.Certificate
		most uint16
		want string
	}{
		"of another authority": {stranger.issue("server", "127.0.0.1", inAnHour()), 0, "unknown authority"},
		"for another host":     {ca.issue("other", "siem.example", inAnHour()), 0, "doesn't contain any IP SANs"},
		"expired":              {ca.issue("old", "127.0.0.1", time.Now().Add(-time.Minute)), 0, "expired"},
		"too old a protocol":   {ca.issue("server", "127.0.0.1", inAnHour()), tls.VersionTLS11, "protocol version"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSyslogServer(t, &tls.Config{Certificates: []tls.Certificate{c.cert}, MinVersion: tls.VersionTLS10, MaxVersion: c.most})
			w := newWorld(t)
			w.calls(0, 3)
			err := w.ship(syslogSpec(s.config(ca.client())), nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if s.inbox.text() != "" {
				t.Error("something was sent")
			}
		})
	}
}

func TestSyslogShowsItsCertificate(t *testing.T) {
	ca := newAuthority(t)
	server := serverTLS(ca)
	server.MinVersion, server.ClientAuth, server.ClientCAs = tls.VersionTLS13, tls.VerifyClientCertIfGiven, ca.pool()
	// A server that asks for one says no after the handshake, when the records
	// are on their way already. This one takes its time over it.
	server.VerifyConnection = func(c tls.ConnectionState) error {
		if len(c.PeerCertificates) == 0 {
			time.Sleep(settle / 3)
			return errDown
		}
		return nil
	}
	ca.issue("client", "agent.example", inAnHour())
	s := newSyslogServer(t, server)
	w := newWorld(t)
	w.calls(0, 3)
	without := syslogSpec(s.config(ca.client()))
	open := without.Open
	without.Open = func(ctx context.Context) (Sink, error) {
		got, err := open(ctx)
		if s, ok := got.(*syslog); ok {
			s.settle = 30 * time.Second // this machine may take its time too
		}
		return got, err
	}
	if err := w.ship(without, nil); err == nil {
		t.Error("without a certificate it counts as delivered")
	}
	with := ca.client()
	with.Cert, with.Key = ca.path("client.pem"), config.Reference{Scheme: "file", Name: ca.path("client.key")}
	if err := w.ship(syslogSpec(s.config(with)), nil); err != nil {
		t.Fatal(err)
	}
	s.waitFor(len(w.uids()[0]))
}

// A receiver that accepts and never reads has not received anything, also where
// all of it fits into what this machine keeps for it.
func TestSyslogWaitsForTheReceiver(t *testing.T) {
	ca := newAuthority(t)
	small := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096) })
	}}
	l, err := small.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	arrived := make(chan struct{})
	go func() {
		defer close(arrived)
		if c, err := l.Accept(); err == nil && tls.Server(c, serverTLS(ca)).Handshake() == nil {
			_, _ = c.Read(make([]byte, 1)) // and never another byte
		}
	}()
	env := testEnv()
	s, err := openSyslog(&config.Syslog{Address: l.Addr().String(), Format: config.FormatNDJSON, Enterprise: 1, TLS: ca.client()}, &env)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	batch := make([]Event, 8)
	for i := range batch {
		batch[i] = Event{UID: "i_test:0:1", Record: audit.Record{Kind: audit.KindAnomaly, Time: time.Now(), Detail: strings.Repeat("x", 4000)}}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		<-arrived // the wait begins with the batch, and not with the handshake
		time.Sleep(2 * time.Second)
		cancel()
	}()
	if err := s.Deliver(ctx, batch); err == nil || !strings.Contains(err.Error(), "did not take") {
		t.Fatalf("a receiver that reads nothing: %v", err)
	}
}

func FuzzSyslogFrames(f *testing.F) {
	f.Add("files", "write_file", "host.example", "words", "kind")
	f.Add("a]b\"c\\", "\x00\x1b[2J\xff\u202e\u2028", "h h", "\n12 <1>1", "")
	f.Fuzz(func(t *testing.T, backend, tool, host, detail, kind string) {
		env := testEnv()
		env.Hostname = host
		e := newSyslogEncoder(&config.Syslog{Format: config.FormatNDJSON, Enterprise: 4242}, &env)
		ev := Event{UID: "i_test:0:1", Hash: "00", Record: audit.Record{
			Version: 1, Seq: 1, Kind: audit.Kind(kind), Time: time.Unix(1, 0), Backend: backend, Tool: tool, Rule: detail, Subject: tool, Detail: detail, Method: tool,
		}}
		frame, err := e.frame(nil, &ev)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range frame {
			if c < ' ' || c > '~' {
				t.Fatalf("byte %#x in %q", c, frame)
			}
		}
		n := 0
		octetcounting.NewParser(syslogparser.WithListener(func(res *syslogparser.Result) {
			if res.Error != nil {
				t.Fatalf("%v in %q", res.Error, frame)
			}
			n++
			if m, ok := res.Message.(*rfc5424.SyslogMessage); !ok || (*m.StructuredData)["custos@4242"]["uid"] != ev.UID {
				t.Fatalf("another uid in %q", frame)
			}
		})).Parse(bytes.NewReader(frame))
		if n != 1 {
			t.Fatalf("%d messages in %q", n, frame)
		}
	})
}
