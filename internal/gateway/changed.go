package gateway

import (
	"slices"
	"sync/atomic"

	"github.com/custos-zt/custos/internal/canon"
)

const (
	acknowledged    = "notifications/subscriptions/acknowledged"
	listen          = "subscriptions/listen"
	subscriptionKey = "io.modelcontextprotocol/subscriptionId"
)

// announcer remembers whether the client may be told that a list changed. In
// the older era the server must have said that it announces such changes, and
// the handshake must be over; in the stateless era the client must have
// subscribed and the server agreed, which the table of requests remembers.
type announcer struct {
	declared    [listings]atomic.Bool
	initialized atomic.Bool
	// pending is set while an announcement is on its way: the client lists anew
	// once, however often the policy changed meanwhile.
	pending [listings]atomic.Bool
}

// Swap puts another policy in force by publish, and tells the client which of
// its lists changed: where something that the server listed is shown now and was
// not, or was and is not. One goroutine at a time may call it; it does not wait
// for the client. An error is publish's.
func (s *Stdio) Swap(publish func() error) error {
	before, _ := s.shown()
	if err := publish(); err != nil {
		return err
	}
	after, full := s.shown()
	for l := range listings {
		changed := full[l] || !slices.Equal(before[l], after[l])
		if changed && s.announced.pending[l].CompareAndSwap(false, true) {
			// A client that does not read must not keep the next policy waiting.
			go s.announce(l)
		}
	}
	return nil
}

func (s *Stdio) announce(l listing) {
	frames := s.asked.subscribers(l)
	for i, id := range frames {
		frames[i] = `{"jsonrpc":"2.0","method":"` + l.changed() + `","params":{"_meta":{"` + subscriptionKey + `":` + id + `}}}`
	}
	if s.announced.declared[l].Load() && s.announced.initialized.Load() {
		frames = append(frames, `{"jsonrpc":"2.0","method":"`+l.changed()+`"}`)
	}
	s.announced.pending[l].Store(false) // a change from now on is another one
	for _, f := range frames {
		s.toClient.Send(item{frame: []byte(f)})
	}
}

// handshake notes what the server's answer to initialize declares.
func (s *Stdio) handshake(r *request, m *canon.Message) {
	if r.method != "initialize" {
		return
	}
	for l := range listings {
		s.announced.declared[l].Store(m.Result.Path("capabilities", l.word(), "listChanged").True())
	}
}

// subscribed notes which lists the server agreed to tell about on a
// subscription.
func (s *Stdio) subscribed(m *canon.Message) {
	key, ok := canon.IDKey(m.Params.Path("_meta", subscriptionKey))
	for l := range listings {
		if ok && m.Params.Path("notifications", l.word()+"ListChanged").True() {
			s.asked.subscribe(key, l)
		}
	}
}
