package gateway

import (
	"errors"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/pep"
)

// readClient judges what the client sends until its end. Where nothing else is
// under way the reader carries its frame itself and waits for the evidence,
// which saves a switch of goroutines; it may be relieved then, and another
// goroutine reads on.
func (s *Stdio) readClient(r *frameReader) {
	for {
		frame, err := r.next()
		switch {
		case err == nil:
			if !s.fromClient(frame, !r.more() && s.asked.empty()) {
				return
			}
		case errors.Is(err, errFrameTooLong):
			s.refuse(access.RequestTooLarge, "the message exceeds the size limit")
		case errors.Is(err, errHalfLine):
			s.refuse(access.RequestMalformed, "the input ended within a message")
			s.clientLeft()
			return
		default: // the end, or a broken pipe
			s.clientLeft()
			return
		}
	}
}

// fromClient handles one frame of the client; alone says that nothing else is
// under way. It returns false where the caller was relieved.
func (s *Stdio) fromClient(frame []byte, alone bool) bool {
	m, err := canon.ReadMessage(frame, s.opt.Limits)
	if err != nil {
		s.refuseUnread(err)
		return true
	}
	if known := foldedParam(&m); known != "" {
		s.refuse(access.RequestMalformed, "the member "+known+" can be mistaken for another")
		return true
	}
	switch m.Kind {
	case canon.Request:
		return s.clientRequest(&m, alone)
	case canon.Notification:
		s.clientNotification(&m)
	default:
		s.clientReply(&m)
	}
	return true
}

// foldedParam finds a member of params that a lax parser would take for one
// that MCP defines.
func foldedParam(m *canon.Message) string {
	return canon.FoldedMember(m.Params, "name", "arguments", "uri", "_meta", "cursor", "requestId",
		"progressToken", "inputResponses", "requestState", "task")
}

func (s *Stdio) refuseUnread(err error) {
	reason := access.RequestMalformed
	var ce *canon.Error
	if errors.As(err, &ce) {
		reason = ce.Reason()
	}
	s.refuse(reason, err.Error())
}

// refuse answers a message that is not one unambiguous request. Its id cannot
// be trusted, so the answer carries none.
func (s *Stdio) refuse(reason access.Reason, detail string) {
	a := s.opt.Point.Refuse(reason, detail)
	s.answerClient("null", a, errorAnswer)
}

// clientRequest decides one request and forwards it or answers it. It returns
// false where the caller was relieved.
func (s *Stdio) clientRequest(m *canon.Message, alone bool) bool {
	r := newRequest(m)
	// In this order: a held call enters the second table before it leaves the
	// first.
	if s.held.calls.waits(m.IDKey) || s.asked.waits(m.IDKey) {
		s.refuse(access.RequestMalformed, "a request with this id still waits for its answer")
		return true
	}
	if m.Method == "ping" {
		s.asked.add(m.IDKey, r)
		return s.toServer.Send(item{frame: m.Raw})
	}
	s.introduce(m)
	s.declares(m)
	refuseAs := s.denialShape(m)
	if m.Method == "tools/call" {
		refuseAs = repeating(s.knowTools(m), refuseAs)
	}
	if s.resumes(m) {
		s.resume(m, r, refuseAs)
		return true
	}
	call := pep.Call{Method: m.Method, Params: m.Params, ID: m.ID.Raw(), Waits: s.opt.Desk != nil, Later: true}
	a := s.judgeInputs(m)
	if a == nil {
		a = s.opt.Point.Admit(call)
	}
	r.list = s.listRequest(m)
	switch {
	case a.Held():
		s.hold(m, call, r, a, refuseAs)
	case a.Decision.Denied():
		s.answerClient(m.ID.Raw(), a, refuseAs)
	default:
		r.adm = a
		s.asked.add(m.IDKey, r)
		return s.forward(m, r, refuseAs, alone)
	}
	return true
}

// forward sends an allowed request to the server once its record is durable. It
// returns false where a patient caller was relieved.
func (s *Stdio) forward(m *canon.Message, r *request, refuseAs shape, patient bool) bool {
	return s.toServer.Send(item{wait: r.adm, frame: m.Raw, patient: patient, failed: func(error) []byte {
		s.asked.take(m.IDKey)
		r.adm.Unrecorded()
		s.toClient.Send(item{frame: refuseAs(m.ID.Raw(), r.adm)})
		return nil
	}})
}

// introduce notes what the client calls itself: a hint for people.
func (s *Stdio) introduce(m *canon.Message) {
	info := m.Params.Get("clientInfo")
	if m.Method != "initialize" {
		info = m.Params.Path("_meta", "io.modelcontextprotocol/clientInfo")
	}
	if name := info.Get("name").Text(); name != "" {
		s.opt.Point.Client(name)
	}
}

// clientNotification forwards what always passes and decides the rest.
func (s *Stdio) clientNotification(m *canon.Message) {
	switch m.Method {
	case "notifications/initialized":
		s.announced.initialized.Store(true)
		s.toServer.Send(item{frame: m.Raw})
	case "notifications/cancelled":
		if s.withdraw(m) {
			return // the server never saw the call
		}
		s.cancel(s.asked, m)
		s.toServer.Send(item{frame: m.Raw})
	case "notifications/progress":
		if !s.asking.progressing(progressKey(m.Params.Get("progressToken"))) {
			s.anomaly("client", "progress for no live request")
			return
		}
		s.toServer.Send(item{frame: m.Raw})
	default:
		a := s.opt.Point.Admit(pep.Call{Method: m.Method, Params: m.Params})
		if !a.Decision.Denied() {
			s.toServer.Send(item{wait: a, frame: m.Raw, failed: dropped})
		}
	}
}

// dropped is what becomes of a message without an id whose evidence failed.
func dropped(error) []byte { return nil }

// clientReply forwards the answer to a question that the server asked.
func (s *Stdio) clientReply(m *canon.Message) {
	r := s.asking.take(m.IDKey)
	if r == nil {
		s.refuse(access.RequestMalformed, "this answers a question that nobody asked")
		return
	}
	if r.reply != nil { // Custos asked
		r.reply <- response{result: m.Result, error: m.Error}
		return
	}
	if m.Kind == canon.ErrorResponse || r.method == "ping" {
		s.finish(r, m)
		s.toServer.Send(item{frame: m.Raw})
		return
	}
	a := s.opt.Point.Admit(pep.Call{Method: r.method, Params: m.Result, ID: r.id, Direction: pep.Reply})
	s.finish(r, m)
	if a.Decision.Denied() {
		refusal := errorAnswer(r.id, withheld(a))
		s.toServer.Send(item{wait: a, frame: refusal, failed: func(error) []byte { return refusal }})
		return
	}
	s.toServer.Send(item{wait: a, frame: m.Raw, failed: func(error) []byte {
		a.Unrecorded()
		return errorAnswer(r.id, a)
	}})
}

// withheld is the denial of a reply as its server may see it: in other words
// than the policy's, which can repeat what the reply said.
func withheld(a *pep.Admission) *pep.Admission {
	w := *a
	w.Decision.Message, w.Decision.Remediation = "this answer may not be given to the server", ""
	return &w
}

// cancel notes that a request will not be answered.
func (s *Stdio) cancel(t *table, m *canon.Message) {
	key, ok := canon.IDKey(m.Params.Get("requestId"))
	if !ok {
		return
	}
	if r := t.cancel(key); r != nil && r.adm != nil {
		s.opt.Point.Finish(r.adm, pep.Result{Status: audit.StatusCancelled})
	}
}

// withdraw ends the wait of a held call that the client cancels, and reports
// whether there was one. The client waits for no answer then.
func (s *Stdio) withdraw(m *canon.Message) bool {
	key, ok := canon.IDKey(m.Params.Get("requestId"))
	if !ok {
		return false
	}
	return stopHeld(s.held.calls, key)
}

// stopHeld ends the wait of what is cancelled, and reports whether it waited.
func stopHeld(in *table, key string) bool {
	r := in.cancel(key)
	if r != nil {
		r.stop(errWithdrawn)
	}
	return r != nil
}

// finish records how a request was answered.
func (s *Stdio) finish(r *request, m *canon.Message) {
	s.conclude(r, pep.Result{Status: status(m), Bytes: len(m.Raw)})
}

// conclude records how a request ended, unless a cancellation already did.
func (s *Stdio) conclude(r *request, res pep.Result) {
	if r.adm != nil && !r.gone {
		s.opt.Point.Finish(r.adm, res)
	}
}

// status reads off a response whether the call worked.
func status(m *canon.Message) audit.Status {
	if m.Kind == canon.ErrorResponse || m.Result.Get("isError").True() {
		return audit.StatusError
	}
	return audit.StatusOK
}

// newRequest is what has to be remembered of a request until its response.
func newRequest(m *canon.Message) *request {
	return &request{
		id: m.ID.Raw(), method: m.Method,
		token: progressToken(m.Params), task: !m.Params.Get("task").IsAbsent(),
	}
}

// progressToken returns the key of the token that a request gave, or "".
func progressToken(params access.Value) string {
	return progressKey(params.Path("_meta", "progressToken"))
}

func progressKey(token access.Value) string {
	key, ok := canon.IDKey(token)
	if !ok {
		return ""
	}
	return key
}
