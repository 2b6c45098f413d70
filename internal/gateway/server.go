package gateway

import (
	"encoding/json"
	"errors"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/pep"
)

// foldDepth is how deep objects of a server may not hold two keys that differ
// only by case: the envelope and what Custos reads of a result. Below, data
// like {"Path":…,"PATH":…} is a server's own affair. Exact duplicates are
// refused at every depth.
const foldDepth = 4

// readServer relays what the server says until its end. It returns
// errFrameTooLong where the server must be stopped.
func (s *Stdio) readServer() error {
	limits := s.opt.Limits
	limits.FoldDepth = foldDepth
	limits.LoneSurrogates = true
	r := newFrameReader(s.opt.Backend.Out, limits.Bytes)
	r.fatal = true
	for {
		frame, err := r.next()
		switch {
		case errors.Is(err, errHalfLine):
			s.anomaly("server", "its output ended within a line")
			return err
		case err != nil:
			return err
		}
		m, err := canon.ReadServerMessage(frame, limits)
		if err != nil {
			s.garbled(frame, err)
			continue
		}
		s.fromServer(&m)
	}
}

// fromServer handles one message of the server.
func (s *Stdio) fromServer(m *canon.Message) {
	switch m.Kind {
	case canon.Request:
		s.serverRequest(m)
	case canon.Notification:
		s.serverNotification(m)
	default:
		s.serverReply(m)
	}
}

// garbled drops a line that is not one unambiguous message. Where it can be
// told which request it meant to answer, that request fails: the id of a
// broken answer is good enough to refuse with, never to forward by.
func (s *Stdio) garbled(frame []byte, err error) {
	s.anomaly("server", "a line that is no message: "+err.Error())
	var guess struct {
		ID json.RawMessage `json:"id"`
	}
	if json.Unmarshal(frame, &guess) != nil || len(guess.ID) == 0 {
		return
	}
	id, err := canon.Scan(guess.ID, s.opt.Limits)
	if err != nil {
		return
	}
	if key, ok := canon.IDKey(id); ok {
		if r := s.asked.take(key); r != nil {
			s.fail(r, access.BackendUnavailable, "the server's answer cannot be read without doubt", audit.StatusError)
		}
	}
}

// fail ends a request in place of the server.
func (s *Stdio) fail(r *request, reason access.Reason, detail string, st audit.Status) {
	if frame := s.failure(r, reason, detail, st); frame != nil {
		s.toClient.Send(item{frame: frame})
	}
}

// failure records that a request failed and returns what the client is
// answered, nil where it waits for no answer.
func (s *Stdio) failure(r *request, reason access.Reason, detail string, st audit.Status) []byte {
	if r.reply != nil {
		r.reply <- response{err: detail}
		return nil
	}
	if r.gone {
		return nil
	}
	a := r.adm
	if a != nil {
		s.opt.Point.Finish(a, pep.Result{Status: st})
	}
	failure := &pep.Admission{Title: r.method}
	if a != nil {
		failure.Title, failure.ID = a.Title, a.ID
	}
	failure.Decision.Refuse(reason, detail)
	return errorAnswer(r.id, failure)
}

// failWaiting records the end of everything that the server will not answer
// any more, and returns the answers for the client.
func (s *Stdio) failWaiting() [][]byte {
	var answers [][]byte
	for _, r := range s.asked.drain() {
		if frame := s.failure(r, access.BackendUnavailable, "the server ended before it answered", audit.StatusUnknown); frame != nil {
			answers = append(answers, frame)
		}
	}
	for _, r := range s.asking.drain() {
		if r.adm != nil && !r.gone {
			s.opt.Point.Finish(r.adm, pep.Result{Status: audit.StatusUnknown})
		}
	}
	return answers
}

// serverReply matches an answer to its request. What nobody asked for is
// dropped.
func (s *Stdio) serverReply(m *canon.Message) {
	r := s.asked.take(m.IDKey)
	switch {
	case r == nil:
		s.anomaly("server", "an answer to a question that nobody asked")
	case r.reply != nil:
		r.reply <- response{result: m.Result, error: m.Error}
	case r.adm == nil || m.Kind == canon.ErrorResponse:
		s.finish(r, m)
		s.toClient.Send(item{frame: m.Raw})
	default:
		s.serverResult(r, m)
	}
}

// serverResult relays a result, a late one of a cancelled request too: lists
// are filtered, questions inside a result are judged.
func (s *Stdio) serverResult(r *request, m *canon.Message) {
	asked := s.judgeQuestions(m)
	if asked != nil && asked.Decision.Denied() {
		s.conclude(r, pep.Result{Status: audit.StatusError, Bytes: len(m.Raw)})
		s.answerClient(r.id, asked, errorAnswer)
		return
	}
	frame, counts, err := s.filtered(r, m)
	if err != nil {
		s.fail(r, access.Internal, "the list could not be filtered", audit.StatusError)
		return
	}
	s.handshake(r, m)
	s.conclude(r, pep.Result{Status: status(m), Bytes: len(m.Raw), Counts: counts})
	if asked == nil {
		s.toClient.Send(item{frame: frame})
		return
	}
	s.toClient.Send(item{wait: asked, frame: frame, failed: func(error) []byte {
		asked.Unrecorded()
		return errorAnswer(r.id, asked)
	}})
}

// serverRequest decides a question of the server before the client sees it.
func (s *Stdio) serverRequest(m *canon.Message) {
	if s.held.asks.waits(m.IDKey) || s.asking.waits(m.IDKey) {
		s.anomaly("server", "a request whose id is already in use")
		return
	}
	r := newRequest(m)
	if m.Method == "ping" {
		s.asking.add(m.IDKey, r)
		s.toClient.Send(item{frame: m.Raw})
		return
	}
	call := pep.Call{Method: m.Method, Params: m.Params, ID: m.ID.Raw(), Direction: pep.FromBackend, Waits: s.opt.Desk != nil, Later: true}
	switch a := s.opt.Point.Admit(call); {
	case a.Held():
		s.holdServer(m, call, r, a)
	case a.Decision.Denied():
		s.refuseServer(r, a)
	default:
		r.adm = a
		s.asking.add(m.IDKey, r)
		s.askOfClient(m, r)
	}
}

// refuseServer answers the server with a denial.
func (s *Stdio) refuseServer(r *request, a *pep.Admission) {
	s.toServer.Send(item{wait: a, frame: errorAnswer(r.id, a), failed: func(error) []byte {
		return errorAnswer(r.id, a)
	}})
}

// askOfClient sends an allowed request of the server once its record is durable.
func (s *Stdio) askOfClient(m *canon.Message, r *request) {
	s.toClient.Send(item{wait: r.adm, frame: m.Raw, failed: func(error) []byte {
		s.asking.take(m.IDKey)
		r.adm.Unrecorded()
		s.toServer.Send(item{frame: errorAnswer(r.id, r.adm)})
		return nil
	}})
}

// serverNotification passes what is known and decides the rest.
func (s *Stdio) serverNotification(m *canon.Message) {
	switch m.Method {
	case "notifications/cancelled":
		if s.serverWithdraws(m) {
			return // the client never saw the question
		}
		s.cancel(s.asking, m)
	case "notifications/progress":
		if !s.asked.progressing(progressKey(m.Params.Get("progressToken"))) {
			s.anomaly("server", "progress for no live request")
			return
		}
	case toolListing.changed():
		s.opt.Tools.Invalidate()
		fallthrough
	default:
		if m.Method == acknowledged {
			s.subscribed(m)
		}
		a := s.opt.Point.Pass(pep.Call{Method: m.Method, Params: m.Params, Direction: pep.FromBackend})
		switch {
		case a == nil:
		case a.Decision.Denied():
			return
		default:
			s.toClient.Send(item{wait: a, frame: m.Raw, failed: dropped})
			return
		}
	}
	s.toClient.Send(item{frame: m.Raw})
}
