package gateway

import (
	"slices"
	"sync/atomic"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/inventory"
)

const (
	listChanged     = "notifications/tools/list_changed"
	acknowledged    = "notifications/subscriptions/acknowledged"
	listen          = "subscriptions/listen"
	subscriptionKey = "io.modelcontextprotocol/subscriptionId"
)

// announcer remembers whether the client may be told that its tools changed. In
// the older era the server must have said that it announces such changes, and
// the handshake must be over; in the stateless era the client must have
// subscribed and the server agreed, which the table of requests remembers.
type announcer struct {
	declared, initialized atomic.Bool
	// pending is set while an announcement is on its way: the client lists anew
	// once, however often the policy changed meanwhile.
	pending atomic.Bool
}

// Swap puts another policy in force by publish, and tells the client that its
// list of tools changed where it did: where a tool that the server listed is
// shown now and was not, or was and is not. One goroutine at a time may call it;
// it does not wait for the client. An error is publish's.
//
// Only tools are announced: what other lists held is not kept.
func (s *Stdio) Swap(publish func() error) error {
	before := s.shownTools()
	if err := publish(); err != nil {
		return err
	}
	if !slices.Equal(before, s.shownTools()) && s.announced.pending.CompareAndSwap(false, true) {
		// A client that does not read must not keep the next policy waiting.
		go s.announce()
	}
	return nil
}

// shownTools are the names of the known tools that the caller is shown.
func (s *Stdio) shownTools() []string {
	return slices.DeleteFunc(s.opt.Tools.Names(), func(name string) bool {
		def, state := s.opt.Tools.Lookup(name)
		return def == nil || state == inventory.Quarantined || !s.opt.Point.Visible(access.Tool, name, def)
	})
}

func (s *Stdio) announce() {
	frames := s.asked.subscribers()
	for i, id := range frames {
		frames[i] = `{"jsonrpc":"2.0","method":"` + listChanged + `","params":{"_meta":{"` + subscriptionKey + `":` + id + `}}}`
	}
	if s.announced.declared.Load() && s.announced.initialized.Load() {
		frames = append(frames, `{"jsonrpc":"2.0","method":"`+listChanged+`"}`)
	}
	s.announced.pending.Store(false) // a change from now on is another one
	for _, f := range frames {
		s.toClient.Send(item{frame: []byte(f)})
	}
}

// handshake notes what the server's answer to initialize declares.
func (s *Stdio) handshake(r *request, m *canon.Message) {
	if r.method == "initialize" {
		s.announced.declared.Store(m.Result.Path("capabilities", "tools", "listChanged").True())
	}
}

// subscribed notes that the server agreed to a subscription to the list of
// tools.
func (s *Stdio) subscribed(m *canon.Message) {
	key, ok := canon.IDKey(m.Params.Path("_meta", subscriptionKey))
	if ok && m.Params.Path("notifications", "toolsListChanged").True() {
		s.asked.subscribe(key)
	}
}
