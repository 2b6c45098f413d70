package gateway

import (
	"context"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/pep"
)

// What a server asks of the client (a completion, an answer of the user) is held
// for a person like a call: it leaves the queue, and joins the others again once
// it is allowed. It waits in a table of its own, because servers and clients choose
// their ids each for themselves, and its requests are counted apart: a server that
// asks a lot keeps no call from being asked about.

// holdServer lets a held request of the server wait outside of the queue.
func (s *Stdio) holdServer(m *canon.Message, call pep.Call, r *request, a *pep.Admission) {
	call.Later, call.Since = false, a.Started()
	h := &heldCall{s: s, m: *m, call: call, r: r, a: a, server: true, quiet: func() {}}
	if !h.keep(func(ctx context.Context) {
		if !h.again() {
			h.wait(ctx)
		}
	}) {
		s.refuseServer(r, s.opt.Point.GiveUp(a, access.ApprovalUnavailable, tooMany, ""))
	}
}

// waiting is the table that the held message waits in.
func (h *heldCall) waiting() *table {
	if h.server {
		return h.s.held.asks
	}
	return h.s.held.calls
}

// putToClient sends an allowed request of the server on its way. Its id passes
// from one table to the other without being free in between.
func (h *heldCall) putToClient(a *pep.Admission) {
	r := &request{id: h.r.id, method: h.r.method, token: h.r.token, task: h.r.task, adm: a}
	h.s.asking.add(h.m.IDKey, r)
	if !h.leave() {
		// Withdrawn after it was allowed: nobody is to be asked.
		if h.s.asking.take(h.m.IDKey) != nil {
			h.s.opt.Point.Finish(a, pep.Result{Status: audit.StatusCancelled})
		}
		return
	}
	h.s.askOfClient(&h.m, r)
}

// serverWithdraws ends the wait of a held request that the server cancels, and
// reports whether there was one.
func (s *Stdio) serverWithdraws(m *canon.Message) bool {
	key, ok := canon.IDKey(m.Params.Get("requestId"))
	return ok && stopHeld(s.held.asks, key)
}
