package desk_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/custos-zt/custos"
	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/desk"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/approval/book"
	"github.com/custos-zt/custos/internal/state"
	"github.com/custos-zt/custos/policy"
)

const testPolicy = `
policy: test
rules:
  - {id: ask, approve: ["app.pay"], unlisted_args: allow}
  - {id: reads, allow: ["app.read"]}
`

// program is one program with a gate and a desk on a state directory.
func program(t *testing.T, dir string) *custos.Gate {
	t.Helper()
	d := desk.New(desk.Options{State: dir, Open: 2})
	g, err := custos.New(custos.Options{
		Backend: "app", State: dir, Approvals: d, Policy: []policy.Source{{Name: "test.yaml", Data: []byte(testPolicy)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(g.Close(), d.Close()) })
	return g
}

// answer is a person's answer by another process.
func answer(t *testing.T, dir, id string, allow bool) {
	t.Helper()
	at, err := state.OpenExisting(dir)
	if err != nil {
		t.Fatal(err)
	}
	path, err := at.Database()
	if err != nil {
		t.Fatal(err)
	}
	b, err := book.Open(book.Options{Path: path, Key: at.HMAC(book.KeyPurpose, nil)})
	if err != nil {
		t.Fatal(err)
	}
	n, err := book.ParseID(id)
	if err != nil {
		t.Fatal(err)
	}
	v := approval.Vote{Answer: access.Answer{Allow: allow, By: "os:ann", Channel: "cli", Assurance: string(approval.Host)}}
	_, err = b.Answer(t.Context(), n, v, func(*book.Item) error { return nil })
	if err := errors.Join(err, b.Close()); err != nil {
		t.Fatal(err)
	}
}

func pay(amount int) custos.Call {
	return custos.Call{Tool: "pay", Arguments: map[string]any{"amount": amount}}
}

// held makes a call that is to be held and returns what people answer.
func held(t *testing.T, g *custos.Gate, c custos.Call) string {
	t.Helper()
	err := g.Enforce(t.Context(), c, func(context.Context) error { t.Error("a held call ran"); return nil })
	var denied *custos.DeniedError
	if !errors.As(err, &denied) || denied.Pending() == "" || denied.Decision.Reason != access.ApprovalPending || denied.Unwrap() != nil {
		t.Fatalf("%v", err)
	}
	if want := "Custos is holding app.pay for a person (rule ask): Tell the person; when they allow " + denied.Pending() + ", repeat the same call (valid 10 min)."; !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%q", err)
	}
	return denied.Pending()
}

// A held call of a program passes once after somebody allowed exactly it, also
// where two programs repeat it at once.
func TestAHeldCallOfAProgram(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	one, two := program(t, dir), program(t, dir)
	if err := one.Enforce(t.Context(), custos.Call{Tool: "read"}, func(context.Context) error { return nil }); err != nil {
		t.Error(err)
	}
	id := held(t, one, pay(1))
	if again := held(t, two, pay(1)); again != id {
		t.Errorf("the same call asks anew: %s and %s", id, again)
	}
	answer(t, dir, id, true)
	if other := held(t, one, pay(2)); other == id {
		t.Error("another amount passes for the first")
	}
	var ran atomic.Int32
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			g := []*custos.Gate{one, two}[i%2]
			_ = g.Enforce(t.Context(), pay(1), func(context.Context) error { ran.Add(1); return nil })
		})
	}
	all.Wait()
	if ran.Load() != 1 {
		t.Errorf("one answer let %d calls run", ran.Load())
	}
}

// Decide says what waits, and uses up an allow that a person gave.
func TestDecideAsksToo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	g := program(t, dir)
	d, err := g.Decide(t.Context(), pay(1))
	if err != nil || d.Effect != access.Approve || d.Approval == nil || !d.Approval.New {
		t.Fatalf("%+v, %v", d, err)
	}
	answer(t, dir, d.Approval.ID, true)
	for i, want := range []access.Effect{access.Allow, access.Approve} {
		if d, err = g.Decide(t.Context(), pay(1)); err != nil || d.Effect != want {
			t.Errorf("%d: %s %s, %v", i, d.Effect, d.Reason, err)
		}
	}
	answer(t, dir, d.Approval.ID, false)
	if d, err = g.Decide(t.Context(), pay(1)); err != nil || d.Effect != access.Deny || d.Reason != access.ApprovalDenied {
		t.Errorf("refused: %s %s, %v", d.Effect, d.Reason, err)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	asked, final := 0, 0
	for r, err := range audit.Read(filepath.Join(dir, "log"), audit.ReadOptions{}) {
		switch {
		case err != nil:
			t.Fatal(err)
		case r.Kind == audit.KindApproval && r.Approval.State == "pending":
			asked++
		case r.Kind == audit.KindAdmission && r.Approval != nil:
			final++
		}
	}
	if asked != 2 || final != 4 {
		t.Errorf("%d requests and %d decisions are recorded", asked, final)
	}
}

func TestADeskThatCannotAsk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	d := desk.New(desk.Options{State: dir})
	g, err := custos.New(custos.Options{Backend: "app", State: dir, Approvals: d, Policy: []policy.Source{{Name: "test.yaml", Data: []byte(testPolicy)}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	err = g.Enforce(t.Context(), pay(1), func(context.Context) error { t.Error("a held call ran"); return nil })
	var denied *custos.DeniedError
	if !errors.As(err, &denied) || denied.Pending() != "" || denied.Decision.Reason != access.ApprovalUnavailable {
		t.Errorf("%v", err)
	}
	crowded := program(t, filepath.Join(t.TempDir(), "state"))
	held(t, crowded, pay(1))
	held(t, crowded, pay(2))
	err = crowded.Enforce(t.Context(), pay(3), func(context.Context) error { return nil })
	if !errors.As(err, &denied) || denied.Pending() != "" || !strings.Contains(err.Error(), "2 of your calls wait for a person already") {
		t.Errorf("%v", err)
	}
}
