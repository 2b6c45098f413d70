package book

import (
	"fmt"
	"testing"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/canon"
)

// What a server asks has room of its own, and an answer to it is no answer to a
// call of the same words and opens no lease.
func TestQuestionsOfAServerStandApart(t *testing.T) {
	b := newShelf(t).open(t)
	ask := func(n int) *approval.Request {
		r := request("read_file")
		r.Act, r.Params = approval.ActAsk, fmt.Sprintf(`{"name":"read_file","arguments":{"n":%d}}`, n)
		params, err := canon.Parse(r.Params, canon.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		r.Digest = canon.RequestDigest(r.Method, params)
		r.Rules = []approval.Rule{{ID: "writes", Position: "p.yaml:3", Standing: approval.Standing{Allowed: true, Issue: "same"}}}
		return r
	}
	first := consult(t, b, ask(0))
	for n := range approval.MaxOpen - 1 {
		consult(t, b, ask(n+1))
	}
	if _, err := b.Consult(t.Context(), ask(99)); err == nil {
		t.Error("a server may ask as often as it likes")
	}
	call := ask(0)
	call.Act = ""
	if a := consult(t, b, call); !a.New || a.ID == first.ID {
		t.Errorf("a call is kept from being asked about, or shares the question: %+v", a)
	}
	if it := answer(t, b, first.ID, true); it.State != access.ApprovalAllowed || it.Lease != nil || !it.Request.Holds() {
		t.Errorf("%+v", it)
	}
	if a := consult(t, b, call); a.State == access.ApprovalUsed {
		t.Error("the answer to a server lets a call pass")
	}
	if a := consult(t, b, ask(0)); a.State != access.ApprovalUsed {
		t.Errorf("%+v", a)
	}
	if leases, err := b.Leases(t.Context(), true); err != nil || len(leases) > 0 {
		t.Errorf("%+v, %v", leases, err)
	}
}
