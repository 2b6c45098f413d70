package book

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/canon"
)

// call is a held call whose rule lets answers stand.
func call(t testing.TB, args string) *approval.Call {
	t.Helper()
	r := request("write_file")
	r.Params = `{"name":"write_file","arguments":` + args + `}`
	r.Rules = standingRules()
	return bind(t, r)
}

// bind completes a request and reads the call off it.
func bind(t testing.TB, r *approval.Request) *approval.Call {
	t.Helper()
	params, err := canon.Parse(r.Params, canon.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	r.Digest = canon.RequestDigest(r.Method, params)
	c, err := approval.CallOf(r)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// stands answers a call so that the answer stands for calls of the same tool.
func stands(t testing.TB, b *Book, c *approval.Call, uses int, change func(*approval.Terms)) *Leased {
	t.Helper()
	a, err := b.Consult(t.Context(), c.Request)
	if err != nil {
		t.Fatal(err)
	}
	terms := approval.DefaultTerms(c.Rules)
	terms.Uses, terms.Scope = uses, approval.Scope{Backend: c.Backend, Method: c.Method, Name: c.Name, Others: true}
	if change != nil {
		change(&terms)
	}
	n, _ := ParseID(a.ID)
	v := vote("os:ann")
	v.Standing = &terms
	it, err := b.Answer(t.Context(), n, v, func(*Item) error { return nil })
	if err != nil || it.Lease == nil {
		t.Fatalf("%+v, %v", it.Lease, err)
	}
	if used, err := b.Consult(t.Context(), c.Request); err != nil || used.State != access.ApprovalUsed {
		t.Fatalf("the call that was asked about: %+v, %v", used, err)
	}
	return it.Lease
}

func vote(by string) approval.Vote {
	return approval.Vote{Answer: access.Answer{Allow: true, By: by, Channel: "cli", Assurance: "host"}}
}

func use(t testing.TB, b *Book, c *approval.Call) (string, []Leased) {
	t.Helper()
	l, ok, ended, err := b.Use(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		return "", ended
	}
	return l.ID(), ended
}

func TestALeaseAnswersSoManyCalls(t *testing.T) {
	s := newShelf(t)
	b := s.open(t)
	l := stands(t, b, call(t, `{"n":0}`), 2, nil)
	for i, want := range []string{"l_1", "l_1", ""} {
		if got, _ := use(t, s.open(t), call(t, `{"n":1}`)); got != want {
			t.Errorf("call %d: %q, want %q", i, got, want)
		}
	}
	now, err := b.Lease(t.Context(), l.Number)
	if err != nil || now.Used != 2 || now.State != approval.LeaseSpent {
		t.Errorf("%+v, %v", now, err)
	}
	if a := consult(t, b, call(t, `{"n":1}`).Request); a.State != access.ApprovalOpen || !a.New {
		t.Errorf("a lease that is used up does not ask: %+v", a)
	}
}

// Whatever is not as it was agreed on is asked about.
func TestWhatALeaseDoesNotAnswer(t *testing.T) {
	for name, change := range map[string]func(*approval.Call){
		"nothing":      nil,
		"subject":      func(c *approval.Call) { c.Subject = "os:eve" },
		"agent":        func(c *approval.Call) { c.Agent = "spiffe://x" },
		"client":       func(c *approval.Call) { c.Client = "other" },
		"directory":    func(c *approval.Call) { c.Root = "/other" },
		"server":       func(c *approval.Call) { c.Backend = "other" },
		"started anew": func(c *approval.Call) { c.Instance = "sha256:j" },
		"tool":         func(c *approval.Call) { c.Name = "delete_file" },
		"method":       func(c *approval.Call) { c.Method = "prompts/get" },
		"definition":   func(c *approval.Call) { c.Definition[0]++ },
		"another rule": func(c *approval.Call) {
			c.Rules = append(c.Rules, approval.Rule{ID: "more", Standing: c.Rules[0].Standing})
		},
		"no rule":          func(c *approval.Call) { c.Rules = nil },
		"standing no more": func(c *approval.Call) { c.Rules[0].Standing = approval.Standing{} },
		"so often":         func(c *approval.Call) { c.Rules[0].Standing.Uses = 1 },
		"surer":            func(c *approval.Call) { c.Rules[0].Assurance = approval.Code },
		"a group":          func(c *approval.Call) { c.Rules[0].Group = "leads" },
		"two people":       func(c *approval.Call) { c.Rules[0].Quorum = 2 },
		"an act":           func(c *approval.Call) { c.Act = approval.ActLease },
		"a server asks":    func(c *approval.Call) { c.Act = approval.ActAsk },
		"policy":           func(c *approval.Call) { c.Policy = "sha256:q" }, // but the same rule
	} {
		s := newShelf(t)
		b := s.open(t)
		stands(t, b, call(t, `{"n":0}`), 5, nil)
		c := call(t, `{"n":1}`)
		if got, _ := use(t, b, c); got != "l_1" {
			t.Fatalf("%s: the lease does not count at all", name)
		}
		if change != nil {
			change(c)
		}
		want := ""
		if name == "nothing" || name == "policy" {
			want = "l_1"
		}
		if got, _ := use(t, b, c); got != want {
			t.Errorf("%s: answered by %q, want %q", name, got, want)
		}
	}
}

func TestALeaseEnds(t *testing.T) {
	for _, c := range []struct {
		name  string
		act   func(*shelf, *Book, *Leased)
		ended approval.LeaseState
		lives bool
	}{
		{"in time", func(s *shelf, _ *Book, _ *Leased) { s.pass(9 * time.Minute) }, "", true},
		{"expired", func(s *shelf, b *Book, _ *Leased) {
			for range 4 { // used all along, so that it does not lie idle
				s.pass(9 * time.Minute)
				_, _, _, _ = b.Use(context.Background(), call(t, `{"n":1}`))
			}
		}, approval.LeaseExpired, false},
		{"idle", func(s *shelf, _ *Book, _ *Leased) { s.pass(11 * time.Minute) }, approval.LeaseIdle, false},
		{"clock set back", func(s *shelf, _ *Book, _ *Leased) {
			m := *s.now.Load()
			m.Wall, m.Since = m.Wall.Add(-time.Hour), m.Since+time.Minute
			s.now.Store(&m)
		}, approval.LeaseExpired, false},
		{"clock set forth", func(s *shelf, _ *Book, _ *Leased) {
			m := *s.now.Load()
			m.Wall = m.Wall.Add(time.Hour)
			s.now.Store(&m)
		}, approval.LeaseExpired, false},
		{"time by the other clock", func(s *shelf, _ *Book, _ *Leased) {
			m := *s.now.Load()
			m.Since += time.Hour
			s.now.Store(&m)
		}, approval.LeaseExpired, false},
		{"revoked", func(_ *shelf, b *Book, l *Leased) {
			if _, err := b.Revoke(context.Background(), l.Number); err != nil {
				t.Fatal(err)
			}
		}, "", false},
	} {
		s := newShelf(t)
		b := s.open(t)
		l := stands(t, b, call(t, `{"n":0}`), 100, func(terms *approval.Terms) {
			terms.For, terms.Idle = approval.Span(30*time.Minute), approval.Span(10*time.Minute)
		})
		c.act(s, b, l)
		got, ended := use(t, s.open(t), call(t, `{"n":1}`))
		if (got != "") != c.lives {
			t.Errorf("%s: answered by %q", c.name, got)
		}
		now, err := b.Lease(t.Context(), l.Number)
		if c.ended != "" && (err != nil || now.State != c.ended) || len(ended) > 1 {
			t.Errorf("%s: %s, %d ended, %v", c.name, now.State, len(ended), err)
		}
		if got, _ := use(t, b, call(t, `{"n":1}`)); (got != "") != c.lives {
			t.Errorf("%s: then answered by %q", c.name, got)
		}
	}
}

func TestAPersonsWordGoesBeforeALease(t *testing.T) {
	s := newShelf(t)
	b := s.open(t)
	refused, granted := call(t, `{"n":1}`), call(t, `{"n":2}`)
	no, yes := consult(t, b, refused.Request), consult(t, b, granted.Request)
	answer(t, b, no.ID, false)
	answer(t, b, yes.ID, true)
	stands(t, b, call(t, `{"n":0}`), 5, nil)
	for _, c := range []*approval.Call{refused, granted} {
		if got, _ := use(t, b, c); got != "" {
			t.Errorf("%s: answered by %q", c.Params, got)
		}
	}
	if a := consult(t, b, granted.Request); a.State != access.ApprovalUsed {
		t.Errorf("the grant is gone: %+v", a)
	}
	if got, _ := use(t, b, granted); got != "l_1" {
		t.Errorf("after the grant the lease does not count: %q", got)
	}
	s.pass(approval.RefusalStands)
	if got, _ := use(t, b, refused); got != "l_1" {
		t.Errorf("after the refusal the lease does not count: %q", got)
	}
}

// What people were asked about a call that a lease answered is void: an answer
// to it must not let the call pass once more.
func TestALeaseSettlesWhatWasAsked(t *testing.T) {
	s := newShelf(t)
	b := s.open(t)
	c := call(t, `{"n":1}`)
	open := consult(t, b, c.Request)
	stands(t, b, call(t, `{"n":0}`), 5, nil)
	if got, _ := use(t, b, c); got != "l_1" {
		t.Fatalf("answered by %q", got)
	}
	var settled *SettledError
	if _, err := tryAnswer(b, open.ID, true); !errors.As(err, &settled) || !strings.Contains(err.Error(), "void") {
		t.Errorf("%v", err)
	}
}

// patiently repeats what had to wait too long for other writers: a disk may be so
// slow that one of many never gets a turn within the patience of a book. Nothing
// was done then.
func patiently(do func() error) error {
	for deadline := time.Now().Add(time.Minute); ; {
		err := do()
		if err == nil || !strings.Contains(err.Error(), "SQLITE_BUSY") || time.Now().After(deadline) {
			return err
		}
	}
}

// Of many at once, in several books on the file, exactly as many pass as the
// lease has uses; a revocation in between is followed by none.
func TestUsesAreCountedExactly(t *testing.T) {
	const uses, books, each = 40, 4, 4
	s := newShelf(t)
	stands(t, s.open(t), call(t, `{"n":0}`), uses, nil)
	var passed atomic.Int32
	var all sync.WaitGroup
	for range books {
		b := s.open(t)
		for range each {
			all.Go(func() {
				for range 2 * uses / (books * each) {
					ok := false
					if err := patiently(func() (err error) {
						_, ok, _, err = b.Use(context.Background(), call(t, `{"n":1}`))
						return err
					}); err != nil {
						t.Error(err)
					} else if ok {
						passed.Add(1)
					}
				}
			})
		}
	}
	all.Wait()
	if passed.Load() != uses {
		t.Errorf("%d calls passed by %d uses", passed.Load(), uses)
	}
}

func TestNoUseFollowsARevocation(t *testing.T) {
	s := newShelf(t)
	l := stands(t, s.open(t), call(t, `{"n":0}`), 1000, nil)
	var revoked atomic.Bool
	var late, passed atomic.Int32
	var all sync.WaitGroup
	begun := make(chan struct{}, 16)
	for range 4 {
		b := s.open(t)
		for range 4 {
			all.Go(func() {
				for i := 0; ; i++ {
					over := revoked.Load()
					ok := false
					if err := patiently(func() (err error) {
						_, ok, _, err = b.Use(context.Background(), call(t, `{"n":1}`))
						return err
					}); err != nil {
						t.Error(err)
						return
					}
					if ok && over {
						late.Add(1)
					}
					if i == 0 {
						begun <- struct{}{}
					}
					if !ok {
						return
					}
					passed.Add(1)
				}
			})
		}
	}
	<-begun
	other := s.open(t)
	if err := patiently(func() error { _, err := other.Revoke(t.Context(), l.Number); return err }); err != nil {
		t.Fatal(err)
	}
	revoked.Store(true)
	all.Wait()
	now, err := s.open(t).Lease(t.Context(), l.Number)
	if late.Load() != 0 || err != nil || now.State != approval.LeaseRevoked || now.Used != int(passed.Load()) {
		t.Errorf("%d uses after the revocation; %d passed, %+v, %v", late.Load(), passed.Load(), now, err)
	}
	if _, err := s.open(t).Revoke(t.Context(), l.Number); !errors.Is(err, ErrOver) {
		t.Errorf("revoked again: %v", err)
	}
}
