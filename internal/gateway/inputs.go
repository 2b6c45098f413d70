package gateway

import (
	"crypto/sha256"
	"sync"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/pep"
)

// In the stateless era a server puts its questions into a result of type
// input_required, and the client repeats its request with the answers (MCP
// 2026-07-28, multi-round-trip requests). Questions and answers are judged
// like the requests and replies of the older era.

// inputs remembers which method each open question named: the answers carry
// only its key. Bounded; a question that was forgotten is told by the shape
// of its answer.
type inputs struct {
	mu    sync.Mutex
	asked map[[32]byte]map[string]string // digest of requestState → key → method
	order [][32]byte
}

// maxOpenInputs bounds the results whose questions are remembered.
const maxOpenInputs = 256

func newInputs() *inputs { return &inputs{asked: map[[32]byte]map[string]string{}} }

func (in *inputs) remember(state string, methods map[string]string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	k := sha256.Sum256([]byte(state))
	if _, ok := in.asked[k]; !ok {
		in.order = append(in.order, k)
	}
	in.asked[k] = methods
	if len(in.order) > maxOpenInputs {
		delete(in.asked, in.order[0])
		in.order = in.order[1:]
	}
}

func (in *inputs) method(state, key string) string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.asked[sha256.Sum256([]byte(state))][key]
}

// judgeQuestions decides the questions inside a result. It returns nil where
// there are none, the first refused admission, or the last one to wait for.
func (s *Stdio) judgeQuestions(m *canon.Message) *pep.Admission {
	questions := m.Result.Get("inputRequests")
	if questions.IsAbsent() {
		return nil
	}
	methods := map[string]string{}
	var last *pep.Admission
	for _, q := range questions.Members() {
		method := q.Value.Get("method").Text()
		if method == "" {
			return s.opt.Point.Refuse(access.RequestMalformed, "the server asks something without a method")
		}
		methods[q.Key] = method
		last = s.opt.Point.Admit(pep.Call{Method: method, Params: q.Value.Get("params"), Direction: pep.FromBackend})
		if last.Decision.Denied() {
			return last
		}
		s.opt.Point.Finish(last, pep.Result{Status: audit.StatusOK})
	}
	s.inputs.remember(m.Result.Get("requestState").Text(), methods)
	return last
}

// judgeInputs decides the answers that a repeated request carries. It returns
// the first refused admission, or nil.
func (s *Stdio) judgeInputs(m *canon.Message) *pep.Admission {
	answers := m.Params.Get("inputResponses")
	if answers.IsAbsent() {
		return nil
	}
	if answers.Kind() != access.Object {
		return s.opt.Point.Refuse(access.RequestMalformed, "inputResponses is no object")
	}
	state := m.Params.Get("requestState").Text()
	for _, answer := range answers.Members() {
		method := s.inputs.method(state, answer.Key)
		if method == "" || hasRoots(answer.Value) {
			method = methodByShape(answer.Value)
		}
		a := s.opt.Point.Admit(pep.Call{Method: method, Params: answer.Value, Direction: pep.Reply})
		if a.Decision.Denied() {
			return a
		}
	}
	return nil
}

// hasRoots reports whether an answer would widen what a server reaches,
// whatever was asked.
func hasRoots(v access.Value) bool { return !v.Get("roots").IsAbsent() }

// methodByShape tells from an answer what was asked.
func methodByShape(v access.Value) string {
	switch {
	case hasRoots(v):
		return "roots/list"
	case !v.Get("action").IsAbsent():
		return "elicitation/create"
	default:
		return "sampling/createMessage"
	}
}
