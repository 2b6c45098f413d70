package book

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/approval"
)

// shelf is one state.db, its books and a clock that tests set.
type shelf struct {
	path string
	now  atomic.Pointer[approval.Moment]
}

func newShelf(t testing.TB) *shelf {
	t.Helper()
	s := &shelf{path: filepath.Join(t.TempDir(), "state.db")}
	if err := os.WriteFile(s.path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.now.Store(&approval.Moment{Wall: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC), Boot: "b"})
	return s
}

// pass lets time pass on both clocks.
func (s *shelf) pass(d time.Duration) {
	m := *s.now.Load()
	m.Wall, m.Since = m.Wall.Add(d), m.Since+d
	s.now.Store(&m)
}

// open opens another book on the file, as another process would.
func (s *shelf) open(t testing.TB) *Book {
	t.Helper()
	b, err := Open(Options{Path: s.path, Key: [32]byte{7}, Clock: func() approval.Moment { return *s.now.Load() }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func request(name string) *approval.Request {
	return &approval.Request{
		Subject: "os:dev", Client: "desk", Root: "/src", Backend: "files", Instance: "sha256:i", Kind: access.Tool,
		Method: "tools/call", Name: name, Digest: [32]byte{1}, Params: `{"name":"` + name + `"}`, Policy: "sha256:p",
		Rules: []approval.Rule{{ID: "writes", Position: "p.yaml:3"}},
	}
}

func consult(t *testing.T, b *Book, r *approval.Request) access.Approval {
	t.Helper()
	a, err := b.Consult(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func answer(t *testing.T, b *Book, id string, allow bool) Item {
	t.Helper()
	it, err := tryAnswer(b, id, allow)
	if err != nil {
		t.Fatal(err)
	}
	return it
}

func tryAnswer(b *Book, id string, allow bool) (Item, error) {
	n, err := ParseID(id)
	if err != nil {
		return Item{}, err
	}
	v := approval.Vote{Answer: access.Answer{Allow: allow, By: "os:ann", Channel: "cli", Assurance: "host"}}
	return b.Answer(context.Background(), n, v, func(*Item) error { return nil })
}

func TestAGrantIsUsedOnce(t *testing.T) {
	s := newShelf(t)
	b := s.open(t)
	r := request("write_file")
	first := consult(t, b, r)
	if first.State != access.ApprovalOpen || !first.New {
		t.Fatalf("%+v", first)
	}
	if again := consult(t, b, r); again.ID != first.ID || again.New {
		t.Fatalf("asked twice: %+v", again)
	}
	answer(t, b, first.ID, true)
	used := consult(t, s.open(t), r) // another process repeats the call
	want := access.Approval{
		ID: first.ID, State: access.ApprovalUsed, Rules: []string{"writes"}, Valid: approval.DefaultValid, Expires: used.Expires,
		Answers: []access.Answer{{Allow: true, By: "os:ann", Channel: "cli", Assurance: "host", At: s.now.Load().Wall}},
	}
	if d := cmp.Diff(want, used); d != "" {
		t.Fatal(d)
	}
	if next := consult(t, b, r); next.State != access.ApprovalOpen || !next.New || next.ID == first.ID {
		t.Fatalf("a used grant: %+v", next)
	}
}

func TestOfManyOneUsesTheGrant(t *testing.T) {
	s := newShelf(t)
	r := request("write_file")
	opened := consult(t, s.open(t), r)
	answer(t, s.open(t), opened.ID, true)
	var used atomic.Int32
	var all sync.WaitGroup
	for range 4 {
		b := s.open(t)
		for range 4 {
			all.Go(func() {
				a, err := b.Consult(context.Background(), r)
				if err != nil {
					t.Error(err)
				}
				if a.State == access.ApprovalUsed {
					used.Add(1)
				}
			})
		}
	}
	all.Wait()
	if used.Load() != 1 {
		t.Errorf("the grant was used %d times", used.Load())
	}
}

func TestWhatAnAnswerIsBoundTo(t *testing.T) {
	for _, c := range []struct {
		name       string
		change     func(*approval.Request)
		superseded bool // the old request is void
	}{
		{"another policy", func(r *approval.Request) { r.Policy = "sha256:q" }, true},
		{"another definition", func(r *approval.Request) { r.Definition[0] = 1 }, true},
		{"another server command", func(r *approval.Request) { r.Instance = "sha256:j" }, true},
		{"another rule too", func(r *approval.Request) { r.Rules = append(r.Rules, approval.Rule{ID: "nights"}) }, true},
		{"a rule that asks for more", func(r *approval.Request) { r.Rules = []approval.Rule{{ID: "writes", Quorum: 2}} }, true},
		{"other arguments", func(r *approval.Request) { r.Digest[0] = 9 }, false},
		{"another person", func(r *approval.Request) { r.Subject = "os:eve" }, false},
		{"another client", func(r *approval.Request) { r.Client = "other" }, false},
		{"another project", func(r *approval.Request) { r.Root = "/other" }, false},
		{"another tool", func(r *approval.Request) { r.Name = "move_file" }, false},
		{"another server", func(r *approval.Request) { r.Backend = "git" }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShelf(t)
			b := s.open(t)
			old := consult(t, b, request("write_file"))
			answer(t, b, old.ID, true)
			changed := request("write_file")
			c.change(changed)
			if a := consult(t, b, changed); a.State != access.ApprovalOpen || !a.New {
				t.Fatalf("%+v", a)
			}
			n, _ := ParseID(old.ID)
			it, err := b.Get(t.Context(), n)
			if err != nil || (it.State == access.ApprovalSuperseded) != c.superseded || c.superseded != (it.Successor != 0) {
				t.Fatalf("the old request: %+v, %v", it, err)
			}
			if c.superseded {
				if _, err := tryAnswer(b, old.ID, true); err == nil {
					t.Error("a void request was answered")
				}
			} else if a := consult(t, b, request("write_file")); a.State != access.ApprovalUsed {
				t.Errorf("the call that was allowed: %+v", a)
			}
		})
	}
}

func TestAnAnswerCoversFewerRules(t *testing.T) {
	b := newShelf(t).open(t)
	r := request("write_file")
	r.Rules = append(r.Rules, approval.Rule{ID: "nights"})
	answer(t, b, consult(t, b, r).ID, true)
	if a := consult(t, b, request("write_file")); a.State != access.ApprovalUsed {
		t.Errorf("%+v", a)
	}
}

func TestARefusalStands(t *testing.T) {
	s := newShelf(t)
	b := s.open(t)
	opened := consult(t, b, request("write_file"))
	answer(t, b, opened.ID, false)
	anew := request("write_file")
	anew.Client, anew.Policy = "another", "sha256:q"
	if a := consult(t, b, anew); a.State != access.ApprovalRefused {
		t.Errorf("asked again by another name: %+v", a)
	}
	if _, err := tryAnswer(b, opened.ID, true); !errors.As(err, new(*SettledError)) {
		t.Errorf("a refusal was taken back: %v", err)
	}
	s.pass(approval.RefusalStands)
	if a := consult(t, b, anew); a.State != access.ApprovalOpen {
		t.Errorf("after its time: %+v", a)
	}
}

func TestARefusalTakesAGrantBack(t *testing.T) {
	b := newShelf(t).open(t)
	opened := consult(t, b, request("write_file"))
	answer(t, b, opened.ID, true)
	answer(t, b, opened.ID, false)
	if a := consult(t, b, request("write_file")); a.State != access.ApprovalRefused {
		t.Errorf("%+v", a)
	}
}

func TestNothingOutlivesItsTerm(t *testing.T) {
	s := newShelf(t)
	b := s.open(t)
	r := request("write_file")
	r.Rules[0].Valid = 5 * time.Minute
	opened := consult(t, b, r)
	s.pass(approval.OpenFor)
	if _, err := tryAnswer(b, opened.ID, true); err == nil {
		t.Fatal("a request was answered after its time")
	}
	next := consult(t, b, r)
	if next.ID == opened.ID || !next.New {
		t.Fatalf("%+v", next)
	}
	answer(t, b, next.ID, true)
	s.pass(5 * time.Minute)
	if a := consult(t, b, r); a.State != access.ApprovalOpen || !a.New {
		t.Fatalf("a grant after its time: %+v", a)
	}
	back := *s.now.Load()
	back.Wall = back.Wall.Add(-time.Hour)
	s.now.Store(&back)
	if items, err := b.Open(t.Context()); err != nil || len(items) != 0 {
		t.Errorf("the clock was set back: %v, %v", items, err)
	}
}

func TestAtMostFiveAreOpen(t *testing.T) {
	s := newShelf(t)
	b := s.open(t)
	var last access.Approval
	for i := range approval.MaxOpen {
		r := request("write_file")
		r.Digest[0] = byte(i)
		last = consult(t, b, r)
	}
	more := request("write_file")
	more.Digest[0] = 99
	if _, err := b.Consult(t.Context(), more); !errors.As(err, new(*approval.TooManyError)) {
		t.Fatalf("a sixth: %v", err)
	}
	other := request("write_file")
	other.Subject = "os:bob"
	consult(t, b, other)
	answer(t, b, last.ID, false)
	consult(t, b, more)
	s.pass(approval.OpenFor)
	more.Digest[0] = 98
	consult(t, b, more)
}

func TestAQuorumIsCountedByPerson(t *testing.T) {
	b := newShelf(t).open(t)
	r := request("write_file")
	r.Rules[0].Quorum, r.Rules[0].NotSelf = 2, true
	opened := consult(t, b, r)
	n, _ := ParseID(opened.ID)
	by := func(id string) (Item, error) {
		v := approval.Vote{Answer: access.Answer{Allow: true, By: id, Channel: "cli", Assurance: "host"}}
		return b.Answer(t.Context(), n, v, func(*Item) error { return nil })
	}
	if _, err := by("os:dev"); !errors.Is(err, approval.ErrSelf) {
		t.Fatalf("yourself: %v", err)
	}
	for _, again := range []string{"os:ann", "os:ann"} {
		if it, err := by(again); err != nil || it.State != access.ApprovalOpen {
			t.Fatalf("%+v, %v", it, err)
		}
	}
	if it, err := by("os:bob"); err != nil || it.State != access.ApprovalAllowed {
		t.Fatalf("%+v, %v", it, err)
	}
}

func TestWhatCannotBeRecordedDoesNotCount(t *testing.T) {
	b := newShelf(t).open(t)
	opened := consult(t, b, request("write_file"))
	n, _ := ParseID(opened.ID)
	full := errors.New("the disk is full")
	v := approval.Vote{Answer: access.Answer{Allow: true, By: "os:ann", Channel: "cli", Assurance: "host"}}
	if _, err := b.Answer(t.Context(), n, v, func(it *Item) error {
		if it.State != access.ApprovalAllowed {
			t.Errorf("recorded as %s", it.State)
		}
		return full
	}); !errors.Is(err, full) {
		t.Fatal(err)
	}
	if a := consult(t, b, request("write_file")); a.State != access.ApprovalOpen || len(a.Answers) != 0 {
		t.Errorf("%+v", a)
	}
}

func TestRowsThatSomebodyChanged(t *testing.T) {
	for _, change := range []string{
		`UPDATE request SET state = 'granted', name = 'read_file'`,
		`UPDATE request SET state = 'granted', definition = x'01'`,
		`UPDATE request SET params = x'00112233445566778899aabbccddeeff00112233445566778899aabb'`,
		`UPDATE request SET params = x'00'`,
		`UPDATE request SET digest = x'05'`,
	} {
		b := newShelf(t).open(t)
		opened := consult(t, b, request("write_file"))
		if _, err := b.db.Exec(change); err != nil {
			t.Fatal(err)
		}
		n, _ := ParseID(opened.ID)
		if it, err := b.Get(t.Context(), n); err != nil || it.Faulty == nil {
			t.Errorf("%s: shown as sound: %+v, %v", change, it, err)
		}
		if _, err := tryAnswer(b, opened.ID, true); err == nil {
			t.Errorf("%s: allowed", change)
		}
		if a := consult(t, b, request("write_file")); a.State == access.ApprovalUsed {
			t.Errorf("%s: used", change)
		}
	}
}

func TestAGrantThatNobodyGaveIsVoid(t *testing.T) {
	b := newShelf(t).open(t)
	consult(t, b, request("write_file"))
	if _, err := b.db.Exec(`UPDATE request SET state = 'granted'`); err != nil {
		t.Fatal(err)
	}
	if a := consult(t, b, request("write_file")); a.State != access.ApprovalOpen || !a.New {
		t.Errorf("%+v", a)
	}
}

func TestWhatCallsAskForIsSealed(t *testing.T) {
	s := newShelf(t)
	b := s.open(t)
	r := request("write_file")
	r.Params = `{"name":"write_file","arguments":{"token":"hunter2-canary"}}`
	opened := consult(t, b, r)
	n, _ := ParseID(opened.ID)
	it, err := b.Get(t.Context(), n)
	if err != nil || it.Request.Params != r.Params || it.Faulty != nil {
		t.Fatalf("%+v, %v", it, err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(s.path + "*")
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil || strings.Contains(string(data), "hunter2") {
			t.Errorf("%s holds what the call asked for (%v)", f, err)
		}
	}
}

func TestParseID(t *testing.T) {
	for _, bad := range []string{"", "91", "a_", "a_0", "a_-1", "a_01", "a_9x", "d_91", "a_99999999999999999999"} {
		if n, err := ParseID(bad); err == nil {
			t.Errorf("%q is %d", bad, n)
		}
	}
	if n, err := ParseID("a_91"); n != 91 || err != nil {
		t.Error(n, err)
	}
}
