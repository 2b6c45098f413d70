package gateway

import (
	"context"
	"strings"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/ask"
	"github.com/custos-zt/custos/internal/canon"
)

// A client that declares elicitation can put a held call to its user (MCP
// 2025-06-18 and later). In the older era Custos asks with a request of its own
// beside the call that waits; in the stateless era with an answer: see resume.go.
// The form has no fields: to accept is to allow this one call.
//
// The answer comes through the agent's own host, which may answer by itself. It
// has the lowest assurance, and a cancellation that comes at once is no
// person's: the next channel is asked, and nothing is allowed.

const (
	// quick is how fast a cancellation comes that nobody made.
	quick = 2 * time.Second
	// maxAsked is the longest text that a form shows. What does not fit is not
	// asked about in a form: a person must see all of it.
	maxAsked = 16 << 10
	channel  = "elicitation"
)

// elicits reports whether a client's capabilities say that it shows forms.
// Without a mode, forms are what is meant.
func elicits(capabilities access.Value) bool {
	e := capabilities.Get("elicitation")
	return e.Kind() == access.Object && (e.Len() == 0 || !e.Get("form").IsAbsent())
}

// declares notes what a client of the older era can do.
func (s *Stdio) declares(m *canon.Message) {
	if m.Method == "initialize" {
		s.forms.Store(elicits(m.Params.Get("capabilities")))
	}
}

// question is the params of an elicitation about a request, "" where it cannot
// be asked this way.
func (s *Stdio) question(ctx context.Context, id string) string {
	v, err := s.opt.Desk.Show(ctx, id)
	if err != nil {
		return ""
	}
	text := form(v)
	if len(text) > maxAsked {
		return ""
	}
	return `{"message":` + canon.Quote(text) + `,"requestedSchema":{"type":"object","properties":{}}}`
}

// form is what the person reads.
func form(v *ask.View) string {
	var b strings.Builder
	b.WriteString("Custos asks whether to allow " + v.Title + ", this once (" + v.ID + ", " + v.By() + ").\n")
	for _, l := range v.Lines() {
		b.WriteString("\n" + l[0] + ": " + l[1])
	}
	b.WriteString("\n\nAccept allows exactly this call. Decline refuses it.")
	return b.String()
}

// elicit asks a client of the older era and waits for its answer. It reports
// whether there was one.
func (h *heldCall) elicit(ctx context.Context, id string) bool {
	s := h.s
	if !s.forms.Load() || modern(&h.m) {
		return false
	}
	params := s.question(ctx, id)
	if params == "" {
		return false
	}
	began := time.Now()
	got, ok := s.askClient(ctx, "elicitation/create", params)
	if !ok {
		return false
	}
	return s.answered(ctx, id, got.result, time.Since(began) < quick)
}

// answered counts what a client answered, and reports whether it was an answer.
func (s *Stdio) answered(ctx context.Context, id string, result access.Value, soon bool) bool {
	switch action := result.Get("action").Text(); {
	case action == "accept":
		return s.opt.Desk.Say(ctx, id, channel, true) == nil
	case action == "decline", action == "cancel" && !soon:
		return s.opt.Desk.Say(ctx, id, channel, false) == nil
	default:
		return false // nobody answered, or nobody knows what
	}
}

// askClient sends a request of Custos to the client and waits for the response.
func (s *Stdio) askClient(ctx context.Context, method, params string) (response, bool) {
	key, r, frame, err := s.ownRequest(method, params)
	if err != nil {
		return response{}, false
	}
	s.asking.add(key, r)
	s.toClient.Send(item{frame: frame})
	select {
	case got := <-r.reply:
		return got, got.err == ""
	case <-ctx.Done():
	}
	// A late answer is expected, and counts for nothing.
	if s.asking.cancel(key) != nil {
		s.toClient.Send(item{frame: []byte(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":` + r.id + `,"reason":"answered elsewhere, or too late"}}`)})
	}
	return response{}, false
}
