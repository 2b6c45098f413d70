package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/ask"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/engine"
	"github.com/custos-zt/custos/internal/gateway"
	"github.com/custos-zt/custos/internal/inventory"
	"github.com/custos-zt/custos/internal/pdp"
	"github.com/custos-zt/custos/policy"
)

// session is one running relay with a scripted client and a scripted server,
// over a real log.
type session struct {
	engine         *engine.Engine
	relay          *gateway.Stdio
	desk           *ask.Desk // nil where nobody can be asked
	state          string
	client, server *party
	ended          chan struct{}
	prefix         string // of the ids that Custos makes, once one was seen
	states         []string

	mu      sync.Mutex
	notices []string
}

// party is one scripted end: it says what it is told to, and hears.
type party struct {
	words chan string
	in    *io.PipeWriter // what it says goes here

	mu    sync.Mutex
	heard []string
}

func newParty() (p *party, hears io.WriteCloser, says io.Reader) {
	ear, hears := io.Pipe()
	says, mouth := io.Pipe()
	p = &party{words: make(chan string, 64), in: mouth}
	go func() {
		for w := range p.words {
			if _, err := io.WriteString(mouth, w+"\n"); err != nil {
				break
			}
		}
		_ = mouth.Close()
	}()
	go p.listen(ear)
	return p, hears, says
}

func (p *party) listen(r io.Reader) {
	for in := bufio.NewReader(r); ; {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		p.mu.Lock()
		p.heard = append(p.heard, strings.TrimSuffix(line, "\n"))
		p.mu.Unlock()
	}
}

func (p *party) say(line string) { p.words <- line }

func (p *party) leave() { close(p.words) }

// took returns what was heard since it was last called.
func (p *party) took() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.heard
	p.heard = nil
	return out
}

// begin starts a session under a policy.
func begin(t *testing.T, text string, set settings) *session {
	t.Helper()
	registry, err := inventory.LoadRegistry()
	if err != nil {
		t.Fatal(err)
	}
	snapshot, sources := compile(t, text, registry)
	tools := &inventory.Backend{}
	s := &session{state: filepath.Join(t.TempDir(), "state"), ended: make(chan struct{})}
	evidence, err := engine.OpenEvidence(engine.EvidenceOptions{StateDir: s.state})
	if err != nil {
		t.Fatal(err)
	}
	o := engine.Options{
		Policy: snapshot, Sources: sources, Registry: registry,
		Backend: "files", Tools: tools, Subject: access.Subject{ID: "dev", Issuer: "os", Known: true},
	}
	s.asking(evidence, &o, set)
	s.engine, err = engine.New(evidence, o)
	if err != nil {
		t.Fatal(err)
	}
	var fromClient, fromServer io.Reader
	var toClient, toServer io.WriteCloser
	s.client, toClient, fromClient = newParty()
	s.server, toServer, fromServer = newParty()
	g := gateway.Options{
		ClientIn: fromClient, ClientOut: toClient,
		Backend: gateway.Backend{In: toServer, Out: fromServer},
		Point:   s.engine.Point, Tools: tools, Limits: canon.DefaultLimits(), InFlight: 1 << 20,
		ErrorDenials: set.errorDenials, Anomaly: s.engine.Anomaly, Notice: s.notice,
	}
	if s.desk != nil {
		g.Desk, g.Channels, g.Informs = s.desk, set.channels, []gateway.Informer{bell{s, "bell"}, bell{s, "gong"}}
	}
	s.relay = gateway.New(g)
	go func() {
		s.relay.Run(t.Context())
		close(s.ended)
	}()
	t.Cleanup(func() { // ends those who listen
		_ = toClient.Close()
		_ = toServer.Close()
	})
	return s
}

func compile(t *testing.T, text string, registry *inventory.Registry) (*pdp.Snapshot, []policy.Source) {
	t.Helper()
	sources := []policy.Source{{Name: "policy.yaml", Data: []byte(text)}}
	snapshot, problems := policy.Compile(sources, policy.Options{Backend: "files", Home: "/home/dev", Known: registry})
	if snapshot == nil {
		t.Fatalf("the policy: %v", problems)
	}
	return snapshot, sources
}

// swap makes another text the policy.
func (s *session) swap(t *testing.T, text string) {
	t.Helper()
	snapshot, sources := compile(t, text, nil)
	if err := s.relay.Swap(func() error { return s.engine.Activate(snapshot, sources) }); err != nil {
		t.Fatal(err)
	}
}

func (s *session) notice(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notices = append(s.notices, text)
}

// arrived returns what arrived since it was last called.
func (s *session) arrived() []string {
	var out []string
	for _, f := range s.server.took() {
		if m := ownID.FindStringSubmatch(f); m != nil {
			s.prefix = m[1]
		}
		out = append(out, "server< "+f)
	}
	for _, f := range s.client.took() {
		if m := ownID.FindStringSubmatch(f); m != nil {
			s.prefix = m[1]
		}
		out = append(out, "client< "+s.maskStates(f))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.notices {
		out = append(out, "notice "+n)
	}
	s.notices = nil
	return out
}

// unmask puts the real prefix of Custos's own ids into what a party says.
func (s *session) unmask(frame string) string {
	frame = s.unmaskStates(frame)
	if s.prefix == "" {
		return frame
	}
	return strings.ReplaceAll(frame, `"custos-`, `"`+s.prefix)
}

// end lets the client leave, then the server, and closes the log.
func (s *session) end() {
	s.client.leave()
	synctest.Wait()
	s.server.leave()
	<-s.ended
	s.relay.Drain()
	synctest.Wait()
	_ = s.engine.Close()
	if s.desk != nil {
		_ = s.desk.Close()
	}
}

// logged describes the log, and numbers its decisions.
func (s *session) logged(t *testing.T) (lines []string, number map[string]int) {
	t.Helper()
	number = map[string]int{}
	admissions := map[uint64]int{} // by sequence number, their line
	for r, err := range audit.Read(filepath.Join(s.state, "log"), audit.ReadOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		switch r.Kind {
		case audit.KindAdmission:
			number[r.ID()] = len(number) + 1
			admissions[r.Seq] = number[r.ID()]
			what := fmt.Sprintf("d_%d %s %s %s %s %s %s", number[r.ID()], r.Direction, r.Method, r.Tool+r.URI+r.Prompt, r.Decision, r.Reason, r.Rule)
			lines = append(lines, strings.Join(strings.Fields(what), " "))
		case audit.KindOutcome:
			what := fmt.Sprintf("  d_%d %s", admissions[r.Admission], r.Status)
			if r.Counts != nil {
				what += fmt.Sprintf(" %d/%d", r.Counts.Shown, r.Counts.Total)
			}
			lines = append(lines, what)
		case audit.KindApproval:
			lines = append(lines, approvalLine(&r))
		case audit.KindAnomaly:
			lines = append(lines, "anomaly "+r.Detail)
		default:
		}
	}
	return lines, number
}
