package gateway

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/ask"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/pep"
)

// In the stateless era a held call is answered with a question (input_required),
// and the client repeats the call with the answer under another id. What comes
// back has to be the call that was held, byte for byte in what was judged:
// Custos takes its own question and state out, puts those of the server back
// where the held call had any, and compares the digest.

// inputKey is the key of Custos's own question.
const inputKey = "custos-approval"

// asksBack reports whether a held call can be answered with a question.
func (h *heldCall) asksBack() bool {
	if h.server { // whatever its method is called
		return false
	}
	switch h.m.Method {
	case "tools/call", "prompts/get", "resources/read":
		return h.s.uses(channel) && !h.elicited && modern(&h.m) &&
			elicits(h.m.Params.Path("_meta", "io.modelcontextprotocol/clientCapabilities"))
	}
	return false
}

// askBack answers the held call with a question, and reports whether it could.
func (h *heldCall) askBack(ctx context.Context) bool {
	params := h.s.question(ctx, h.asked)
	state, err := "", errors.New("not asked")
	if params != "" {
		state, err = h.s.opt.Desk.Seal(ctx, h.asked)
	}
	if err != nil {
		h.elicited = true
		h.quiet()
		h.askAround() // by the other channels
		return false
	}
	if h.leave() {
		h.s.toClient.Send(item{frame: []byte(`{"jsonrpc":"2.0","id":` + h.m.ID.Raw() + `,"result":{"resultType":"input_required","inputRequests":{"` + inputKey +
			`":{"method":"elicitation/create","params":` + params + `}},"requestState":` + canon.Quote(state) + `}}`)})
	}
	return true
}

// resumes reports whether a request brings an answer to a question of Custos.
func (s *Stdio) resumes(m *canon.Message) bool {
	return s.opt.Desk != nil && ask.IsToken(m.Params.Get("requestState").Text())
}

var errOtherCall = errors.New("this is not the call that was held")

// resume takes the answer and decides the call again.
func (h *heldCall) resume(ctx context.Context) {
	asked, err := h.s.opt.Desk.Redeem(ctx, h.m.Params.Get("requestState").Text())
	if err != nil {
		h.refuse(h.s.opt.Point.Refuse(access.RequestMalformed, err.Error()))
		return
	}
	answer := h.m.Params.Path("inputResponses", inputKey)
	m, err := restored(&h.m, asked, h.s.opt.Limits)
	if err != nil {
		h.refuse(h.s.opt.Point.Refuse(access.RequestMalformed, err.Error()))
		return
	}
	h.m, h.elicited = m, true
	h.call = pep.Call{Method: m.Method, Params: m.Params, ID: m.ID.Raw(), Waits: true}
	h.s.answered(ctx, asked.ID, answer, time.Since(asked.At) < quick)
	if a := h.s.judgeInputs(&m); a != nil {
		h.refuse(a)
		return
	}
	if !h.again() {
		h.wait(ctx)
	}
}

// restored is the held call under the id of its repetition.
func restored(m *canon.Message, asked ask.Asked, limits canon.Limits) (canon.Message, error) {
	original, err := canon.Parse(asked.Params, limits)
	if err != nil {
		return canon.Message{}, errOtherCall
	}
	var params []string
	for _, p := range m.Params.Members() {
		if p.Key != "inputResponses" && p.Key != "requestState" {
			params = append(params, canon.Quote(p.Key)+":"+p.Value.Raw())
		}
	}
	for _, key := range []string{"inputResponses", "requestState"} {
		if v := original.Get(key); !v.IsAbsent() {
			params = append(params, canon.Quote(key)+":"+v.Raw())
		}
	}
	var members []string
	for _, p := range m.Root.Members() {
		raw := p.Value.Raw()
		if p.Key == "params" {
			raw = "{" + strings.Join(params, ",") + "}"
		}
		members = append(members, canon.Quote(p.Key)+":"+raw)
	}
	out, err := canon.ReadMessage([]byte("{"+strings.Join(members, ",")+"}"), limits)
	if err != nil || canon.RequestDigest(out.Method, out.Params) != asked.Digest {
		return canon.Message{}, errOtherCall
	}
	return out, nil
}
