package book

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/canon"
)

// incident is an entry of `break_glass`, as the policy in force has it.
func incident(change func(*approval.Rule)) approval.Glass {
	g := approval.Glass{Name: "incident", Rule: approval.Rule{
		ID: "break_glass.incident", NotSelf: true, Standing: approval.Standing{Allowed: true, Max: 30 * time.Minute, Uses: 3},
	}}
	if change != nil {
		change(&g.Rule)
	}
	return g
}

// propose is what somebody asks for who wants that entry opened.
func propose(t testing.TB, g approval.Glass, purpose string) *approval.Request {
	t.Helper()
	l := approval.Lease{
		Origin: approval.FromBreakGlass, Subject: "os:dev", Glass: g.Name, Rules: []approval.Rule{g.Rule}, Uses: g.Rule.Standing.Uses,
		For: approval.Span(g.Rule.Standing.Max), Review: approval.Span(24 * time.Hour), Purpose: purpose,
	}
	text, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	params, err := canon.Parse(string(text), canon.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	r := &approval.Request{
		Act: approval.ActBreakGlass, Subject: "os:dev", Kind: access.Method, Method: "custos/break-glass", Name: "break-glass " + g.Name,
		Params: string(text), Policy: "sha256:p", Rules: l.Rules,
	}
	r.Digest = canon.RequestDigest(r.Method, params)
	return r
}

// broken opens the entry, as somebody else approves it.
func broken(t testing.TB, b *Book, g approval.Glass) *Leased {
	t.Helper()
	it, _, err := b.Propose(t.Context(), propose(t, g, "the disk is full"))
	if err != nil {
		t.Fatal(err)
	}
	if it, err = b.Answer(t.Context(), it.Number, vote("os:ann"), func(*Item) error { return nil }); err != nil || it.Lease == nil {
		t.Fatalf("%+v, %v", it, err)
	}
	return it.Lease
}

func TestBreakGlass(t *testing.T) {
	s := newShelf(t)
	b := s.open(t)
	it, _, err := b.Propose(t.Context(), propose(t, incident(nil), "the disk is full"))
	if err != nil {
		t.Fatal(err)
	}
	if again, fresh, err := s.open(t).Propose(t.Context(), propose(t, incident(nil), "the disk is full")); err != nil || fresh || again.Number != it.Number {
		t.Errorf("asked twice: %+v, %v", again, err)
	}
	if _, err := b.Answer(t.Context(), it.Number, vote("os:dev"), func(*Item) error { return nil }); !errors.Is(err, approval.ErrSelf) {
		t.Errorf("approved by who asked: %v", err)
	}
	if open, err := b.Lifts(t.Context(), "os:dev", "", []approval.Glass{incident(nil)}); err != nil || len(open) != 0 {
		t.Errorf("open before anybody approved it: %v, %v", open, err)
	}
	if it, err = b.Answer(t.Context(), it.Number, vote("os:ann"), func(*Item) error { return nil }); err != nil || it.State != access.ApprovalUsed || it.Lease == nil {
		t.Fatalf("%+v, %v", it, err)
	}
	for name, c := range map[string]struct {
		subject, agent string
		glass          approval.Glass
		open           bool
	}{
		"as agreed":          {"os:dev", "", incident(nil), true},
		"another subject":    {"os:eve", "", incident(nil), false},
		"another agent":      {"os:dev", "spiffe://x", incident(nil), false},
		"another entry":      {"os:dev", "", approval.Glass{Name: "other", Rule: incident(nil).Rule}, false},
		"it asks for more":   {"os:dev", "", incident(func(r *approval.Rule) { r.Quorum = 2 }), false},
		"it asks for surer":  {"os:dev", "", incident(func(r *approval.Rule) { r.Assurance = approval.Code }), false},
		"it asks for leads":  {"os:dev", "", incident(func(r *approval.Rule) { r.Group = "leads" }), false},
		"it opens for less":  {"os:dev", "", incident(func(r *approval.Rule) { r.Standing.Max = time.Minute }), false},
		"it is another rule": {"os:dev", "", incident(func(r *approval.Rule) { r.ID = "break_glass.other" }), false},
	} {
		if name == "it opens for less" {
			s.pass(2 * time.Minute)
		}
		open, err := b.Lifts(t.Context(), c.subject, c.agent, []approval.Glass{c.glass})
		if err != nil || (len(open) == 1) != c.open {
			t.Errorf("%s: %v, %v", name, open, err)
		}
		if used, err := b.Lift(t.Context(), c.subject, c.agent, []approval.Glass{c.glass, incident(func(r *approval.Rule) { r.Quorum = 9 })}); err != nil || len(used) != 0 {
			t.Errorf("%s, with one that is not open: %v, %v", name, used, err)
		}
	}
	if l, err := b.Lease(t.Context(), it.Lease.Number); err != nil || l.Used != 0 {
		t.Errorf("looking counted: %+v, %v", l, err)
	}
}

func TestBreakGlassIsCountedExactly(t *testing.T) {
	s := newShelf(t)
	broken(t, s.open(t), incident(nil))
	var passed atomic.Int32
	var all sync.WaitGroup
	for range 4 {
		b := s.open(t)
		for range 4 {
			all.Go(func() {
				var used []Leased
				if err := patiently(func() (err error) {
					used, err = b.Lift(t.Context(), "os:dev", "", []approval.Glass{incident(nil)})
					return err
				}); err != nil {
					t.Error(err)
				}
				passed.Add(int32(len(used)))
			})
		}
	}
	all.Wait()
	if passed.Load() != 3 {
		t.Errorf("%d calls passed by 3 uses", passed.Load())
	}
}

// What was refused stays so, whatever the purpose; what asks for nothing, or for
// more than its rules let, is not asked at all.
func TestWhatIsNotProposed(t *testing.T) {
	s := newShelf(t)
	b := s.open(t)
	it, _, err := b.Propose(t.Context(), propose(t, incident(nil), "one"))
	if err != nil {
		t.Fatal(err)
	}
	answer(t, b, it.ID(), false)
	if _, _, err := b.Propose(t.Context(), propose(t, incident(nil), "two")); !errors.As(err, new(*SettledError)) {
		t.Errorf("refused, and asked again: %v", err)
	}
	for name, change := range map[string]func(*approval.Request){
		"a call":         func(r *approval.Request) { r.Act = "" },
		"nothing":        func(r *approval.Request) { r.Params = `{}` },
		"no JSON":        func(r *approval.Request) { r.Params = `x` },
		"another's":      func(r *approval.Request) { r.Subject = "os:eve" },
		"more uses":      func(r *approval.Request) { r.Params = strings.Replace(r.Params, `"uses":3,"for"`, `"uses":4,"for"`, 1) },
		"longer":         func(r *approval.Request) { r.Params = strings.Replace(r.Params, `"for":"30m"`, `"for":"31m"`, 1) },
		"without an end": func(r *approval.Request) { r.Params = strings.Replace(r.Params, `"for":"30m"`, `"for":"0s"`, 1) },
		"a negative count": func(r *approval.Request) {
			r.Params = strings.Replace(r.Params, `"uses":3,"for"`, `"uses":-1,"for"`, 1)
		},
	} {
		r := propose(t, incident(nil), "three")
		change(r)
		if it, _, err := b.Propose(t.Context(), r); err == nil {
			t.Errorf("%s is asked: %+v", name, it)
		}
	}
	// A call of an agent that looks like an act is a call: to allow it opens nothing.
	r := propose(t, incident(nil), "four")
	r.Act = ""
	open := consult(t, b, r)
	if got := answer(t, b, open.ID, true); got.Lease != nil || got.State != access.ApprovalAllowed {
		t.Errorf("an agent's call made a lease: %+v", got.Lease)
	}
}

func TestReviews(t *testing.T) {
	s := newShelf(t)
	b := s.open(t)
	l := broken(t, b, incident(nil))
	due, err := b.Due(t.Context())
	if err != nil || len(due) != 1 || !due[0].Due.Equal(s.now.Load().Wall.Add(24*time.Hour)) {
		t.Fatalf("%+v, %v", due, err)
	}
	record := func(*Leased) error { return nil }
	if _, err := b.Review(t.Context(), l.Number, "os:ann", record); !errors.Is(err, ErrCounts) {
		t.Errorf("reviewed while it counts: %v", err)
	}
	s.pass(40 * 24 * time.Hour)
	broken(t, b, incident(nil)) // what is long over is forgotten, but not before it is reviewed
	if due, err = b.Due(t.Context()); err != nil || len(due) != 2 || due[0].State != approval.LeaseExpired {
		t.Fatalf("%+v, %v", due, err)
	}
	full := errors.New("the disk is full")
	if _, err := b.Review(t.Context(), l.Number, "os:ann", func(*Leased) error { return full }); !errors.Is(err, full) {
		t.Errorf("reviewed without a record: %v", err)
	}
	if got, err := b.Review(t.Context(), l.Number, "os:ann", record); err != nil || got.Reviewer != "os:ann" {
		t.Errorf("%+v, %v", got, err)
	}
	if due, err = b.Due(t.Context()); err != nil || len(due) != 1 {
		t.Errorf("%+v, %v", due, err)
	}
}

func TestSweep(t *testing.T) {
	s := newShelf(t)
	b := s.open(t)
	stands(t, b, call(t, `{"n":0}`), 5, nil)
	broken(t, b, incident(nil))
	if ended, err := b.Sweep(t.Context()); err != nil || len(ended) != 0 {
		t.Errorf("%+v, %v", ended, err)
	}
	s.pass(time.Hour)
	ended, err := b.Sweep(t.Context())
	if err != nil || len(ended) != 2 || ended[0].State != approval.LeaseExpired || ended[1].State != approval.LeaseExpired {
		t.Errorf("%+v, %v", ended, err)
	}
	if ended, err := s.open(t).Sweep(t.Context()); err != nil || len(ended) != 0 {
		t.Errorf("twice: %+v, %v", ended, err)
	}
}

// A row that somebody wrote, copied or moved answers nothing.
func TestForgedLeasesAnswerNothing(t *testing.T) {
	s := newShelf(t)
	b := s.open(t)
	stands(t, b, call(t, `{"n":0}`), 5, nil)
	copied := strings.ReplaceAll(leaseColumns, "id, ", "")
	for _, forge := range []string{
		`UPDATE lease SET agreed = x'00'`,
		`UPDATE lease SET agreed = NULL`,
		`UPDATE lease SET id = 7`,
		`UPDATE lease SET subject = 'os:eve'`,
		`INSERT INTO lease (id, subject, backend, name, glass, ` + copied + `) SELECT 9, subject, backend, name, glass, ` + copied + ` FROM lease`,
	} {
		tx, err := b.db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(forge); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(forge, "INSERT") {
			if _, err := tx.Exec(`DELETE FROM lease WHERE id <> 9`); err != nil {
				t.Fatal(err)
			}
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		for _, subject := range []string{"os:dev", "os:eve"} {
			c := call(t, `{"n":1}`)
			c.Subject = subject
			if got, _ := use(t, b, c); got != "" {
				t.Errorf("%s: %s is answered by %q", forge, subject, got)
			}
		}
		fresh := newShelf(t)
		b = fresh.open(t)
		stands(t, b, call(t, `{"n":0}`), 5, nil)
	}
}

func TestWhatIsKeptOfALease(t *testing.T) {
	s := newShelf(t)
	b := s.open(t)
	l := stands(t, b, call(t, `{"n":0}`), 3, func(terms *approval.Terms) { terms.AnyClient = true })
	got, err := s.open(t).Lease(t.Context(), l.Number)
	if err != nil {
		t.Fatal(err)
	}
	at := s.now.Load().Wall
	want := approval.Lease{
		Origin: approval.FromAnswer, Subject: "os:dev", Root: "/src", Bound: true, Instance: "sha256:i",
		Scope: approval.Scope{Backend: "files", Method: "tools/call", Name: "write_file", Others: true},
		Rules: call(t, `{}`).Rules, Uses: 3, For: approval.Span(time.Hour), Idle: approval.Span(time.Hour), Request: "a_1",
		Votes: []approval.Vote{{Answer: access.Answer{Allow: true, By: "os:ann", Channel: "cli", Assurance: "host", At: at}, Groups: nil}},
	}
	got.Lease.Votes[0].Groups = nil
	if d := cmp.Diff(want, got.Lease); d != "" {
		t.Error(d)
	}
}

// A rule that lets answers stand for less than it did ends those that stood for
// longer, by both clocks, and for as long as it says so.
func TestARuleThatLetsAnswersStandForLess(t *testing.T) {
	for name, step := range map[string]func(*approval.Moment){
		"time":          func(m *approval.Moment) { m.Wall, m.Since = m.Wall.Add(6*time.Minute), m.Since+6*time.Minute },
		"a clock held":  func(m *approval.Moment) { m.Since += 6 * time.Minute },
		"another start": func(m *approval.Moment) { m.Wall, m.Since, m.Boot = m.Wall.Add(6*time.Minute), 0, "c" },
	} {
		s := newShelf(t)
		b := s.open(t)
		stands(t, b, call(t, `{"n":0}`), 5, nil)
		m := *s.now.Load()
		step(&m)
		s.now.Store(&m)
		less, as := call(t, `{"n":1}`), call(t, `{"n":1}`)
		less.Rules[0].Standing.Max = 5 * time.Minute
		if got, _ := use(t, b, less); got != "" {
			t.Errorf("%s: answered by %q", name, got)
		}
		if got, _ := use(t, b, as); got != "l_1" {
			t.Errorf("%s: the lease is gone: %q", name, got)
		}
	}
}
