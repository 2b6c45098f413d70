package sink

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/config"
	"github.com/custos-zt/custos/internal/ocsf"
	"github.com/custos-zt/custos/internal/post"
)

const (
	// facilityAudit is "log audit" of RFC 5424.
	facilityAudit = 13
	// maxSyslog is the size that RFC 5425 asks every receiver to take. A longer
	// message arrives cut, and cut JSON is no JSON.
	maxSyslog = 8192
	// maxParam bounds one value of structured data.
	maxParam = 255
	// settle is how long a new connection is watched after its first batch: a
	// receiver that refuses our certificate says so after the handshake.
	settle = 250 * time.Millisecond
)

// syslog sends RFC 5424 messages over TLS, framed by their length (RFC 5425).
//
// The protocol has no acknowledgement. A batch counts as delivered when the
// receiver's machine has acknowledged every byte, on Linux, and the connection
// still stands; what a receiver took and then forgot is lost to it, and shows
// as a gap in the numbers.
type syslog struct {
	address string
	tls     *tls.Config
	enc     *syslogEncoder

	conn   *tls.Conn
	closed chan struct{} // the receiver ended conn
	fresh  bool          // nothing was delivered over conn yet
	settle time.Duration
	buf    []byte
}

func openSyslog(c *config.Syslog, env *Env) (Sink, error) {
	host, _, err := net.SplitHostPort(c.Address)
	if err != nil {
		return nil, err
	}
	conf, err := post.TLS(c.TLS, host, env.Getenv)
	if err != nil {
		return nil, err
	}
	return &syslog{address: c.Address, tls: conf, enc: newSyslogEncoder(c, env), settle: settle}, nil
}

// Deliver sends a batch and waits until the receiver has it.
func (s *syslog) Deliver(ctx context.Context, batch []Event) error {
	s.buf = s.buf[:0]
	for i := range batch {
		var err error
		if s.buf, err = s.enc.frame(s.buf, &batch[i]); err != nil {
			return err
		}
	}
	if err := s.connect(ctx); err != nil {
		return err
	}
	if err := s.send(ctx); err != nil {
		s.hangUp()
		return err
	}
	return nil
}

// connect makes sure that there is a connection.
func (s *syslog) connect(ctx context.Context) error {
	if s.conn != nil && !s.gone() {
		return nil
	}
	s.hangUp()
	d := net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}
	raw, err := d.DialContext(ctx, "tcp", s.address)
	if err != nil {
		return err
	}
	conn := tls.Client(raw, s.tls)
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = raw.Close() // nothing was sent
		return err
	}
	s.conn, s.closed, s.fresh = conn, make(chan struct{}), true
	go func(conn io.Reader, closed chan struct{}) {
		// A receiver has nothing to say: whatever ends the reading is its end.
		_, _ = io.Copy(io.Discard, conn)
		close(closed)
	}(s.conn, s.closed)
	return nil
}

func (s *syslog) gone() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

var errHungUp = errors.New("the receiver closed the connection")

// send writes the batch and waits for its arrival.
func (s *syslog) send(ctx context.Context) error {
	if deadline, ok := ctx.Deadline(); ok {
		if err := s.conn.SetWriteDeadline(deadline); err != nil {
			return err
		}
	}
	conn := s.conn // the function may still run when this one has hung up
	stop := context.AfterFunc(ctx, func() { _ = conn.SetWriteDeadline(time.Now()) })
	defer stop()
	if _, err := s.conn.Write(s.buf); err != nil {
		return err
	}
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		left, err := unacknowledged(s.conn.NetConn())
		if err != nil {
			return err
		}
		if s.gone() {
			return errHungUp
		}
		if left == 0 {
			break
		}
		if !post.Pause(ctx, wait) {
			return fmt.Errorf("the receiver did not take %d bytes: %w", left, ctx.Err())
		}
	}
	if s.fresh {
		t := time.NewTimer(s.settle)
		defer t.Stop()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.closed:
		case <-t.C:
			s.fresh = false
		}
	}
	if s.gone() {
		return errHungUp
	}
	return nil
}

// hangUp drops a connection that is of no use any more. Nothing is said over it:
// a receiver that reads nothing would make us wait.
func (s *syslog) hangUp() {
	if s.conn != nil {
		_ = s.conn.NetConn().Close() // what counts was acknowledged
		s.conn = nil
	}
}

// Close takes leave and ends the connection.
func (s *syslog) Close() error {
	if s.conn == nil {
		return nil
	}
	_ = s.conn.CloseWrite() // everything is delivered already
	s.hangUp()
	return nil
}

// syslogEncoder writes messages.
type syslogEncoder struct {
	host  string
	sdID  string
	lines *lines
	msg   []byte
	text  []byte
}

func newSyslogEncoder(c *config.Syslog, env *Env) *syslogEncoder {
	return &syslogEncoder{host: post.Token(env.Hostname, 255), sdID: "custos@" + strconv.Itoa(c.Enterprise), lines: newLines(c.Format, env)}
}

// frame appends one message behind its length.
func (e *syslogEncoder) frame(b []byte, ev *Event) ([]byte, error) {
	var err error
	if e.text, err = e.lines.append(e.text[:0], ev); err != nil {
		return b, err
	}
	e.msg = e.message(e.msg[:0], ev, e.text)
	if len(e.msg) > maxSyslog {
		e.text = brief(e.text[:0], ev, len(e.text))
		e.msg = e.message(e.msg[:0], ev, e.text)
	}
	b = strconv.AppendInt(b, int64(len(e.msg)), 10)
	b = append(b, ' ')
	return append(b, e.msg...), nil
}

// message appends one message of RFC 5424. Its text is ASCII, so it needs no
// byte order mark.
func (e *syslogEncoder) message(b []byte, ev *Event, text []byte) []byte {
	r := &ev.Record
	b = append(b, '<')
	b = strconv.AppendInt(b, int64(facilityAudit*8+syslogSeverity(r)), 10)
	b = append(b, ">1 "...)
	b = r.Time.UTC().AppendFormat(b, "2006-01-02T15:04:05.000000Z")
	b = append(b, ' ')
	b = append(b, e.host...)
	b = append(b, " custos - "...)
	b = append(b, post.Token(string(r.Kind), 32)...)
	b = append(b, " ["...)
	b = append(b, e.sdID...)
	for _, p := range [...]struct{ name, value string }{
		{"uid", ev.UID},
		{"id", r.ID()},
		{"decision", decisionOf(r)},
		{"reason", string(r.Reason)},
		{"rule", r.Rule},
		{"backend", r.Backend},
		{"method", r.Method},
		{"tool", r.Tool},
		{"subject", r.Subject},
		{"status", string(r.Status)},
	} {
		b = param(b, p.name, p.value)
	}
	b = append(b, "] "...)
	return append(b, text...)
}

// decisionOf returns the decision of a record, "" where there is none.
func decisionOf(r *audit.Record) string {
	if r.Decision == access.None {
		return ""
	}
	return r.Decision.String()
}

// param appends one value of structured data. What is not printable ASCII is
// written as an escape, so that no receiver shows or splits what an agent made
// up.
func param(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(b, ' ')
	b = append(b, name...)
	b = append(b, `="`...)
	quoted := strconv.QuoteToASCII(value)
	quoted = strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
	for i := 0; i < min(len(quoted), maxParam); i++ {
		if c := quoted[i]; c == '"' || c == '\\' || c == ']' {
			b = append(b, '\\')
		}
		b = append(b, quoted[i])
	}
	return append(b, '"')
}

// brief is what is sent of a record that is too long: enough to find it.
func brief(b []byte, ev *Event, size int) []byte {
	b = append(b, `{"uid":`...)
	b = strconv.AppendQuoteToASCII(b, ev.UID)
	b = append(b, `,"hash":`...)
	b = strconv.AppendQuoteToASCII(b, ev.Hash)
	b = append(b, `,"kind":`...)
	b = ocsf.AppendASCII(b, quoteJSON(string(ev.Record.Kind)))
	b = append(b, `,"id":`...)
	b = strconv.AppendQuoteToASCII(b, ev.Record.ID())
	b = append(b, `,"too_long":`...)
	b = strconv.AppendInt(b, int64(size), 10)
	return append(b, '}')
}

// syslogSeverity says how urgent a record is: of RFC 5424, 0 is an emergency
// and 7 is for debugging.
func syslogSeverity(r *audit.Record) int {
	const (
		alert   = 1
		failure = 3
		warning = 4
		notice  = 5
		info    = 6
	)
	switch {
	case r.Kind == audit.KindGap:
		return alert
	case r.Kind == audit.KindAnomaly:
		return failure
	case r.Kind == audit.KindTornTail, r.Decision == access.Deny:
		return warning
	case r.Kind == audit.KindPolicy, r.Kind == audit.KindConfig, r.Kind == audit.KindApproval, r.Decision == access.Approve:
		return notice
	default:
		return info
	}
}
