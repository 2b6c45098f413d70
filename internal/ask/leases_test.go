package ask

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/approval/book"
)

// timed is a desk with a clock that the test sets, and where its log lies.
func timed(t *testing.T, now *time.Time) (*Desk, string) {
	t.Helper()
	dir := t.TempDir()
	path, logDir := filepath.Join(dir, "state.db"), filepath.Join(dir, "00")
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Mkdir(logDir, 0o700)); err != nil {
		t.Fatal(err)
	}
	log, err := audit.Open(logDir, audit.Options{Instance: "i_test"})
	if err != nil {
		t.Fatal(err)
	}
	d := NewDesk(Options{Evidence: log, Isolation: "same-user", Open: func() (*book.Book, error) {
		return book.Open(book.Options{Path: path, Clock: func() approval.Moment { return approval.Moment{Wall: *now} }})
	}})
	t.Cleanup(func() { _ = errors.Join(d.Close(), log.Close()) })
	return d, dir
}

// What becomes of leases stands in the log: what was asked for, by whom it was
// granted, that it ended by itself, and that somebody looked at it.
func TestTheLogOfALease(t *testing.T) {
	now := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	d, dir := timed(t, &now)
	ann := approval.Vote{Answer: access.Answer{Allow: true, By: "os:ann", Channel: "cli", Assurance: "code"}}
	grant := Proposal{Policy: "sha256:p", Lease: approval.Lease{
		Origin: approval.FromGrant, Subject: "os:dev", Rules: []approval.Rule{standingRule(approval.Standing{})}, Uses: 5,
		For: approval.Span(time.Hour), Idle: approval.Span(10 * time.Minute), Purpose: "the weekly notes", Notify: []string{"webhook"},
		Scope: approval.Scope{Backend: "files", Method: "tools/call", Name: "write", Others: true},
	}}
	if it, err := d.Propose(t.Context(), grant, &ann); err != nil || it.Lease == nil {
		t.Fatalf("%+v, %v", it, err)
	}
	call, err := approval.CallOf(writes(t, `{"n":1}`, standingRule(approval.Standing{})))
	if err != nil {
		t.Fatal(err)
	}
	if id, err := d.Use(t.Context(), call); err != nil || id != "l_1" {
		t.Fatalf("%q, %v", id, err)
	}
	now = now.Add(11 * time.Minute)
	if id, err := d.Use(t.Context(), call); err != nil || id != "" {
		t.Fatalf("an idle lease answers: %q, %v", id, err)
	}
	if _, err := d.Revoke(t.Context(), "l_1", ann); !errors.Is(err, book.ErrOver) {
		t.Errorf("%v", err)
	}
	glass := grant
	glass.Lease.Origin, glass.Lease.Glass, glass.Lease.Scope, glass.Lease.Review = approval.FromBreakGlass, "incident", approval.Scope{}, approval.Span(time.Hour)
	it, err := d.Propose(t.Context(), glass, nil)
	if err != nil || it.Lease != nil {
		t.Fatalf("%+v, %v", it, err)
	}
	if it, err = d.Answer(t.Context(), it.ID(), ann); err != nil || it.Lease == nil {
		t.Fatalf("%+v, %v", it, err)
	}
	now = now.Add(2 * time.Hour)
	due, err := d.Due(t.Context())
	if err != nil || len(due) != 1 || due[0].ID != "l_2" || due[0].Title != "break-glass incident" || due[0].State != approval.LeaseExpired {
		t.Fatalf("%+v, %v", due, err)
	}
	if _, err := d.Review(t.Context(), "l_2", "as announced", ann); err != nil {
		t.Fatal(err)
	}
	var got []string
	for r, err := range audit.Read(dir, audit.ReadOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Kind == audit.KindLease {
			got = append(got, r.Lease+" "+r.Approval.State+" "+r.Approval.By+" | "+r.Detail)
			if r.Subject != "os:dev" || r.Rule != "writes" || len(r.Notify) != 1 {
				t.Errorf("%+v", r)
			}
		}
	}
	want := []string{
		" requested  | grant: requested, 5 calls within 1h; purpose the weekly notes",
		"l_1 granted os:ann | grant: granted, 5 calls within 1h; purpose the weekly notes",
		"l_1 idle  | grant: idle, 1 of 5 calls; purpose the weekly notes",
		" requested  | break-glass: requested, 5 calls within 1h; break_glass incident; purpose the weekly notes",
		"l_2 granted os:ann | break-glass: granted, 5 calls within 1h; break_glass incident; purpose the weekly notes",
		"l_2 expired  | break-glass: expired, 0 of 5 calls; break_glass incident; purpose the weekly notes",
		"l_2 reviewed os:ann | break-glass: reviewed, 0 of 5 calls; break_glass incident; purpose the weekly notes; note as announced",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Where the log fails nothing is loosened, and what is tightened is.
func TestLeasesWithoutALog(t *testing.T) {
	now := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	d, _ := timed(t, &now)
	id := open(t, d, writes(t, `{"n":1}`, standingRule(approval.Standing{})))
	if _, err := d.Stand(t.Context(), id, "cli", "any"); !errors.Is(err, approval.ErrUnknown) {
		t.Fatalf("nobody answers: %v", err)
	}
	d.opt.Person = func() approval.Person { return approval.Person{ID: "os:dev"} }
	if it, err := d.Stand(t.Context(), id, "cli", "any"); err != nil || it.Lease == nil {
		t.Fatalf("%+v, %v", it, err)
	}
	log, ok := d.opt.Evidence.(*audit.Log)
	if !ok {
		t.Fatal("another log")
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	other := open(t, d, writes(t, `{"n":2}`, standingRule(approval.Standing{})))
	if _, err := d.Stand(t.Context(), other, "cli", "any"); err == nil {
		t.Error("an answer that could not be recorded stands")
	}
	if l, err := d.Revoke(t.Context(), "l_1", approval.Vote{}); err == nil || l.State != approval.LeaseRevoked {
		t.Errorf("%+v, %v", l, err)
	}
	if list, err := d.Leases(t.Context(), false); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
}
