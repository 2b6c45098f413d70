package gateway

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/ask"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/inventory"
	"github.com/custos-zt/custos/internal/pep"
)

// A call that waits for a person leaves the queue: a goroutine of its own keeps
// it and has it decided again until it is allowed, denied or waited for long
// enough, and everything else goes on meanwhile. It joins the others again like
// a call that just arrived. Its id stays taken.

// Desk is where requests for approval stand and are answered: an [ask.Desk].
type Desk interface {
	// State returns the state of a request. It only reads.
	State(ctx context.Context, id string) (access.ApprovalState, error)
	// Show prepares a request for a person here, and Say counts the answer.
	Show(ctx context.Context, id string) (*ask.View, error)
	Say(ctx context.Context, id, channel string, allow bool) error
	// Seal and Redeem tie a question that leaves to the answer that comes back.
	Seal(ctx context.Context, id string) (string, error)
	Redeem(ctx context.Context, token string) (ask.Asked, error)
}

const (
	// lookEvery is how often a held call looks whether somebody answered.
	lookEvery = 100 * time.Millisecond
	// decideEvery is how often it is decided again unasked: policy, definitions
	// and facts change.
	decideEvery = time.Second
	// tellEvery is how often a client that asked for progress is told.
	tellEvery = 5 * time.Second
	// maxHeld bounds the calls that wait in one session. Further ones are
	// answered at once; an answer counts for their repetition.
	maxHeld = 32
)

// Why a wait ended without an answer.
var (
	errWithdrawn  = errors.New("the client withdrew the call")
	errServerGone = errors.New("the server ended while the call waited for a person")
	errGone       = errors.New("the session ended")
)

// holds are the calls of a session that wait for a person.
type holds struct {
	calls *table
	asks  *table // requests of the server
	all   sync.WaitGroup

	mu    sync.Mutex
	count int
	bytes int
	over  error // no more are held, because of this
}

// take keeps one more call of n bytes, if there is room.
func (h *holds) take(in *table, key string, r *request, n, limit int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over != nil || h.count >= maxHeld || h.bytes+n > limit {
		return false
	}
	h.count++
	h.bytes += n
	h.all.Add(1)
	in.add(key, r)
	return true
}

func (h *holds) give(n int) {
	h.mu.Lock()
	h.count--
	h.bytes -= n
	h.mu.Unlock()
	h.all.Done()
}

// endHolds ends every wait, and holds no more calls. A client that does not
// read cannot hold it up for long.
func (s *Stdio) endHolds(why error) {
	h := &s.held
	h.mu.Lock()
	h.over = why
	h.mu.Unlock()
	for _, r := range append(h.calls.waiting(), h.asks.waiting()...) {
		r.stop(why)
	}
	ended := make(chan struct{})
	go func() { h.all.Wait(); close(ended) }()
	s.within(ended)
}

// heldCall is one call that waits.
type heldCall struct {
	s        *Stdio
	m        canon.Message
	call     pep.Call
	r        *request
	refuseAs shape
	a        *pep.Admission // how it stood when it was last decided
	asked    string         // the request that people know of
	told     int
	// elicited says that the client's form was tried, and not to be tried again.
	elicited bool
	// server says that the server asks: see hold_server.go.
	server bool
	// quiet ends those who ask about asked, and waits for them.
	quiet func()
}

// hold lets a held call wait outside of the queue. Whether it has to is decided
// there too: the client's reader waits for nobody, not for the book either.
func (s *Stdio) hold(m *canon.Message, call pep.Call, r *request, a *pep.Admission, refuseAs shape) {
	call.Later, call.Since = false, a.Started()
	h := &heldCall{s: s, m: *m, call: call, r: r, refuseAs: refuseAs, a: a, quiet: func() {}}
	if !h.keep(func(ctx context.Context) {
		switch {
		case h.again():
		case h.asksBack() && h.askBack(ctx):
		default:
			h.wait(ctx)
		}
	}) {
		s.answerClient(r.id, s.opt.Point.GiveUp(a, access.ApprovalUnavailable, tooMany, ""), refuseAs)
	}
}

const tooMany = "too many calls wait for a person already"

// resume takes up a call that comes back with an answer.
func (s *Stdio) resume(m *canon.Message, r *request, refuseAs shape) {
	h := &heldCall{s: s, m: *m, r: r, refuseAs: refuseAs, quiet: func() {}}
	if !h.keep(h.resume) {
		s.answerClient(r.id, s.opt.Point.Refuse(access.ApprovalUnavailable, tooMany), refuseAs)
	}
}

// keep runs a wait outside of the queue, if there is room for one more.
func (h *heldCall) keep(run func(context.Context)) bool {
	ctx, stop := context.WithCancelCause(context.Background())
	h.r.stop = stop
	n := len(h.m.Raw)
	if !h.s.held.take(h.waiting(), h.m.IDKey, h.r, n, h.s.opt.InFlight) {
		stop(nil)
		return false
	}
	go func() {
		defer h.s.held.give(n)
		defer func() { h.quiet() }()
		defer stop(nil)
		run(ctx)
	}()
	return true
}

// wait waits until the call is decided, and sees to what was.
func (h *heldCall) wait(ctx context.Context) {
	if h.a.Decision.Approval.Wait <= 0 || !h.askable() {
		h.giveUp("")
		return
	}
	deadline := time.NewTimer(h.a.Decision.Approval.Wait)
	look, decide, tell := time.NewTicker(lookEvery), time.NewTicker(decideEvery), time.NewTicker(tellEvery)
	defer func() {
		for _, t := range []*time.Ticker{look, decide, tell} {
			t.Stop()
		}
		deadline.Stop()
	}()
	for {
		answered := false
		select {
		case <-ctx.Done():
			h.gone(context.Cause(ctx))
			return
		case <-deadline.C:
			if !h.again() { // an answer may have come with the last second
				h.giveUp("not approved in " + pep.Span(h.a.Decision.Approval.Wait))
			}
			return
		case <-tell.C:
			h.progress()
			continue
		case <-look.C:
			answered = h.answered(ctx)
		case <-decide.C:
			answered = true
		}
		if answered && h.again() {
			return
		}
	}
}

// answered reports whether the request is no longer open.
func (h *heldCall) answered(ctx context.Context) bool {
	state, err := h.s.opt.Desk.State(ctx, h.a.PendingID())
	return err == nil && state != access.ApprovalOpen
}

// again has the call decided again and reports whether it waits no more.
func (h *heldCall) again() bool {
	if h.lapsed() {
		h.refuse(h.s.opt.Point.GiveUp(h.a, access.ApprovalExpired, "nobody answered in time", "Repeat the call to ask again."))
		return true
	}
	h.relist()
	a := h.s.opt.Point.Admit(h.call)
	if !a.Held() {
		if a.Decision.Denied() {
			h.refuse(a)
		} else {
			h.forward(a)
		}
		return true
	}
	h.a = a
	if err := h.tell(); err != nil {
		h.refuse(a)
		return true
	}
	return false
}

// lapsed reports whether nobody answered for as long as the request was open.
func (h *heldCall) lapsed() bool {
	if h.asked == "" {
		return false
	}
	state, err := h.s.opt.Desk.State(context.Background(), h.asked)
	return err == nil && state == access.ApprovalLapsed
}

// relist has the server list its tools where it said that they changed.
func (h *heldCall) relist() {
	if h.m.Method != "tools/call" || h.server {
		return
	}
	switch _, state := h.s.opt.Tools.Lookup(h.m.Params.Get("name").Text()); state {
	case inventory.Stale, inventory.Unlisted:
		h.s.listTools(h.m.Params.Get("_meta"))
	default:
	}
}

// tell says, once for each request and when its record is durable, that the
// call waits, and how it is answered.
func (h *heldCall) tell() error {
	id := h.a.PendingID()
	if id == h.asked {
		return nil
	}
	if h.a.Decision.Approval.New {
		if err := h.a.Wait(); err != nil {
			h.a.Unrecorded()
			return err
		}
	}
	h.quiet()
	h.asked = id
	h.s.notice(h.a.Asking())
	h.progress()
	h.askAround()
	return nil
}

// progress tells a client that asked for it that the call is alive. Its numbers
// are so small that those of the server are larger.
func (h *heldCall) progress() {
	token := h.m.Params.Path("_meta", "progressToken")
	if token.IsAbsent() || h.server {
		return
	}
	h.told++
	h.s.toClient.Send(item{frame: []byte(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":` + token.Raw() +
		`,"progress":` + strconv.FormatFloat(float64(h.told)/1e6, 'f', 6, 64) + `,"message":` + canon.Quote(h.a.Asking()) + `}}`)})
}

// leave takes the call out of those that wait, and reports whether the client
// still wants it.
func (h *heldCall) leave() bool {
	r := h.waiting().take(h.m.IDKey)
	return r != nil && !r.gone
}

// forward sends the allowed call on its way. Its id passes from one table to
// the other without being free in between.
func (h *heldCall) forward(a *pep.Admission) {
	if h.server {
		h.putToClient(a)
		return
	}
	r := &request{id: h.r.id, method: h.r.method, token: h.r.token, task: h.r.task, list: h.r.list, adm: a}
	h.s.asked.add(h.m.IDKey, r)
	if !h.leave() {
		// Withdrawn after it was allowed: nobody is to run it, and the log says so.
		if h.s.asked.take(h.m.IDKey) != nil {
			h.s.opt.Point.Finish(a, pep.Result{Status: audit.StatusCancelled})
		}
		return
	}
	h.s.forward(&h.m, r, h.refuseAs, false)
}

// refuse answers the client with a denial.
func (h *heldCall) refuse(a *pep.Admission) {
	switch {
	case !h.leave():
	case h.server:
		h.s.refuseServer(h.r, a)
	default:
		h.s.answerClient(h.m.ID.Raw(), a, h.refuseAs)
	}
}

// giveUp answers that nobody did, and what to do.
func (h *heldCall) giveUp(message string) {
	h.refuse(h.s.opt.Point.GiveUp(h.a, access.ApprovalPending, message, h.a.Repeat()))
}

// gone ends the wait because somebody left.
func (h *heldCall) gone(why error) {
	if errors.Is(why, errServerGone) {
		h.refuse(h.s.opt.Point.GiveUp(h.a, access.BackendUnavailable, why.Error(), ""))
		return
	}
	h.giveUp("")
}
