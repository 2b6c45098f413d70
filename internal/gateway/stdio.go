// Package gateway holds the agent-facing listeners. This file and its
// neighbours are the stdio one: a raw relay of newline-delimited JSON-RPC
// between one client and one server.
//
// The relay never rebuilds a message. What was read strictly and judged is
// what is written, byte for byte; unknown methods, fields and content types
// survive, in both protocol eras. It answers in place of the server where a
// call is denied, cuts what a caller could never use out of lists, and drops
// what nobody asked for.
//
// Four parties move frames. The client reader decides and appends in the
// order of arrival; the backend lane forwards in the order of the log as
// commit groups become durable; the backend reader matches replies to
// requests; the client lane writes them out. Nothing waits for anything but
// its own evidence.
//
// Who could misuse this door: a client whose bytes two parsers read
// differently, a client that answers questions nobody asked, a server that
// pretends to answer, floods or dies, and a disk that stops taking evidence.
// Each ends in a refusal, never in a frame that was not judged.
package gateway

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/inventory"
	"github.com/custos-zt/custos/internal/pep"
)

// Backend is the guarded server's end of the pipes.
type Backend struct {
	In  io.WriteCloser // the server reads requests here
	Out io.Reader      // the server answers here
	// Room reports whether In takes n bytes without waiting for the server to
	// read; nil says that it always does.
	Room func(n int) bool
}

// Options configure one stdio session.
type Options struct {
	ClientIn  io.Reader
	ClientOut io.Writer
	Backend   Backend
	Point     *pep.Point
	Tools     *inventory.Backend
	// Limits cap frames of both directions.
	Limits canon.Limits
	// InFlight caps the queued bytes of each direction.
	InFlight int
	// ErrorDenials answers a denied tools/call as a JSON-RPC error instead of a
	// tool result.
	ErrorDenials bool
	// Desk knows how requests for approval stand. With nil no call waits for a
	// person, and what a rule holds is denied.
	Desk Desk
	// Channels are the ways to ask people, in the order in which they are tried:
	// "elicitation" is the client's own form, "cli" waits for people to look, and
	// the others stand in Asks or, where they bring no answer back, in Informs.
	Channels []string
	Asks     []Channel
	Informs  []Informer
	// Failed is closed when evidence can no longer be kept.
	Failed <-chan struct{}
	// Anomaly records what should not have happened; it MUST NOT block.
	Anomaly func(detail string)
	// Notice tells a person on stderr. It is called from many goroutines.
	Notice func(text string)
}

// Stdio is one running session.
type Stdio struct {
	opt      Options
	toServer *lane
	toClient *lane
	asked    *table      // requests of the client that wait for the server
	asking   *table      // requests of the server that wait for the client
	held     holds       // requests of the client that wait for a person
	forms    atomic.Bool // the client, of the older era, shows forms
	inputs   *inputs
	prefix   string // of the ids that Custos makes
	made     atomic.Int64
	lister   lister
	odd      oddities

	announced announcer
	offered   offered

	clientGone chan struct{}
	serverGone chan struct{}
	leave      sync.Once
}

// New prepares a session; [Stdio.Run] runs it.
func New(o Options) *Stdio {
	s := &Stdio{
		opt: o, asked: newTable(), asking: newTable(), held: holds{calls: newTable(), asks: newTable()}, inputs: newInputs(),
		prefix:     "custos-" + rand.Text() + "-",
		clientGone: make(chan struct{}), serverGone: make(chan struct{}),
	}
	s.toServer = newLane(o.Backend.In, o.InFlight, func(error) {})
	s.toServer.room = o.Backend.Room
	s.toClient = newLane(o.ClientOut, o.InFlight, func(error) { s.clientLeft() })
	return s
}

// Ending says why a session ended.
type Ending uint8

const (
	// ClientLeft means that the client closed its end, or the context ended.
	ClientLeft Ending = iota
	// ServerLeft means that the server closed its end first.
	ServerLeft
	// ServerBroke means that the server broke the protocol beyond repair.
	ServerBroke
)

// Run relays until either end is gone or ctx is done. When it returns because
// the client left, everything judged was forwarded and the server's input is
// closed; the server may still answer: call [Stdio.Drain] after it was
// stopped. When it returns because the server left, every waiting call was
// answered with a refusal.
func (s *Stdio) Run(ctx context.Context) Ending {
	go s.toServer.Run()
	go s.toClient.Run()
	broke := make(chan struct{})
	go func() {
		defer close(s.serverGone)
		if err := s.readServer(); errors.Is(err, errFrameTooLong) {
			s.notice("the server sent a line longer than the frame limit; it is being stopped")
			close(broke)
		}
	}()
	client := newFrameReader(s.opt.ClientIn, s.opt.Limits.Bytes)
	go s.readClient(client)
	go s.relieve(client)
	select {
	case <-s.clientGone:
	case <-ctx.Done():
	case <-s.serverGone:
		s.endHolds(errServerGone)
		s.settle()
		select {
		case <-broke:
			return ServerBroke
		default:
			return ServerLeft
		}
	}
	s.endHolds(errGone)
	s.toServer.Close()
	s.flush(ctx, s.toServer.done)
	_ = s.opt.Backend.In.Close()
	return ClientLeft
}

// stalled is how long a server may take none of what it is to be sent once the
// client has left.
const stalled = 10 * time.Second

// flush waits until everything judged went out, or nothing moves any more.
func (s *Stdio) flush(ctx context.Context, done <-chan struct{}) {
	const looks = 10
	tick := time.NewTicker(stalled / looks)
	defer tick.Stop()
	before, still := s.toServer.Carried(), 0
	for still < looks {
		select {
		case <-done:
			return
		case <-s.serverGone:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := s.toServer.Carried()
		if still++; now != before {
			before, still = now, 0
		}
	}
	s.notice("the server takes no more of its input")
}

// lastWords bounds how long Drain waits for a pipe that somebody else keeps
// open, and for a client that no longer reads.
const lastWords = 2 * time.Second

// Drain is called once the server was stopped: it relays what the server
// still said and accounts for what it never answered.
func (s *Stdio) Drain() {
	s.within(s.serverGone)
	s.settle()
	s.toClient.Close()
	s.toServer.Close()
	s.within(s.toClient.done)
}

// settle answers and accounts for everything that the server will not answer.
// A client that does not read cannot hold it up: the log comes first.
func (s *Stdio) settle() {
	answers := s.failWaiting()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for _, a := range answers {
			s.toClient.Send(item{frame: a})
		}
	}()
	s.within(sent)
}

func (s *Stdio) within(done <-chan struct{}) {
	t := time.NewTimer(lastWords)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
	}
}

// relieve takes over from whoever is at a disk that does not answer, so that
// what can no longer be recorded is refused and not left without an answer.
func (s *Stdio) relieve(client *frameReader) {
	select {
	case <-s.opt.Failed:
	case <-s.toClient.done:
		return
	}
	s.toClient.Relieve() // only its Run waits
	if s.toServer.Relieve() {
		go s.readClient(client)
	}
}

func (s *Stdio) clientLeft() {
	s.leave.Do(func() { close(s.clientGone) })
}

func (s *Stdio) notice(text string) {
	if s.opt.Notice != nil {
		s.opt.Notice(text)
	}
}
