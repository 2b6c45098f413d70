package admin

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/approval/book"
	"github.com/custos-zt/custos/internal/ask"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/state"
)

// bureau is operations on a new book and a real log.
type bureau struct {
	*Operations
	t    *testing.T
	desk *ask.Desk
	log  *audit.Log
	dir  string
}

func newBureau(t *testing.T) *bureau {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "00"), 0o700); err != nil {
		t.Fatal(err)
	}
	log, err := audit.Open(filepath.Join(dir, "00"), audit.Options{Instance: "i_test"})
	if err != nil {
		t.Fatal(err)
	}
	db := filepath.Join(dir, "state.db")
	desk := ask.NewDesk(ask.Options{
		Open: func() (*book.Book, error) {
			return book.Open(book.Options{Path: db})
		},
		Evidence: log, Isolation: "same-user",
	})
	t.Cleanup(func() { _ = errors.Join(desk.Close(), log.Close()) })
	return &bureau{New(Options{
		Desk: desk, LogDir: dir, Isolation: "same-user",
		HasBook: func() bool { _, err := os.Stat(db); return err == nil },
		Running: func() ([]state.Description, error) {
			return []state.Description{{Slot: 0, PID: 1, Backend: "files"}}, nil
		},
	}), t, desk, log, dir}
}

// hold holds a call and returns its id.
func (b *bureau) hold(arguments string, rules ...approval.Rule) string {
	b.t.Helper()
	params, err := canon.Parse(`{"name":"write","arguments":`+arguments+`}`, canon.DefaultLimits())
	if err != nil {
		b.t.Fatal(err)
	}
	if rules == nil {
		rules = []approval.Rule{{ID: "writes", Position: "p.yaml:3"}}
	}
	a, err := b.desk.Consult(b.t.Context(), &approval.Request{
		Subject: "os:dev", Client: "desk", Root: "/src", Backend: "files", Kind: access.Tool, Method: "tools/call", Name: "write",
		Digest: canon.RequestDigest("tools/call", params), Params: params.Raw(), Policy: "sha256:p", Rules: rules,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return a.ID
}

func (b *bureau) as(c Capability) *Operator {
	return b.For(Caller{Capability: c, Person: approval.Person{ID: "os:ann", Groups: []string{"ops"}}, Channel: "page"})
}

// code returns the code of a refusal, "" for none.
func code(t *testing.T, err error) Code {
	t.Helper()
	if err == nil {
		return ""
	}
	var r *Refusal
	if !errors.As(err, &r) {
		t.Fatalf("a malfunction: %v", err)
	}
	return r.Code
}

// operation is one thing that a caller does, and what it takes.
type operation struct {
	name  string
	needs Capability
	do    func(*Operator) error
}

// needs has every operation done with every capability: whoever has too little is
// refused, and nobody else.
func (b *bureau) needs(ops []operation) {
	b.t.Helper()
	for _, op := range ops {
		for _, has := range []Capability{Nothing, Viewer, Approver} {
			want := Code("")
			if has < op.needs {
				want = NotAllowed
			}
			if got := code(b.t, op.do(b.as(has))); got != want {
				b.t.Errorf("%s by %v: %q", op.name, has, got)
			}
		}
	}
}

// What a caller may do is checked at each operation, whatever the door did.
func TestCapabilities(t *testing.T) {
	b := newBureau(t)
	id := b.hold(`{"path":"/a"}`)
	b.needs([]operation{
		{"status", Viewer, func(o *Operator) error { _, err := o.Status(t.Context()); return err }},
		{"approvals", Viewer, func(o *Operator) error { _, err := o.Approvals(t.Context(), true); return err }},
		{"approval", Viewer, func(o *Operator) error { _, err := o.Approval(t.Context(), id); return err }},
		{"stats", Viewer, func(o *Operator) error { _, err := o.Stats(t.Context(), time.Time{}); return err }},
		{"decision", Viewer, func(o *Operator) error { _, err := o.Decision(t.Context(), audit.FormatID(0, 1)); return err }},
		{"end", Viewer, func(o *Operator) error { _, err := o.End(); return err }},
		{"follow", Viewer, func(o *Operator) error { _, err := o.Follow(t.Context(), nil, nil); return err }},
		{"answer", Approver, func(o *Operator) error { _, err := o.Answer(t.Context(), id, Answer{Allow: true}); return err }},
	})
}

// Before anything was held there is nothing, and looking makes nothing.
func TestNothingHeld(t *testing.T) {
	b := newBureau(t)
	o := b.as(Approver)
	list, err := o.Approvals(t.Context(), true)
	if err != nil || list == nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
	s, err := o.Status(t.Context())
	if err != nil || len(s.Waiting) != 0 || s.Running[0].Backend != "files" {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := o.Answer(t.Context(), "a_1", Answer{Allow: true}); code(t, err) != NotFound {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(b.dir, "state.db")); err == nil {
		t.Error("looking made a database")
	}
}

func TestAnswer(t *testing.T) {
	b := newBureau(t)
	o := b.as(Approver)
	id := b.hold(`{"path":"/a"}`)
	if s, err := o.Status(t.Context()); err != nil || len(s.Waiting) != 1 || s.Waiting[0] != id {
		t.Errorf("%+v, %v", s, err)
	}
	v, err := o.Answer(t.Context(), id, Answer{Allow: true})
	if err != nil || v.State != access.ApprovalAllowed {
		t.Fatalf("%+v, %v", v, err)
	}
	if a := v.Answers[0]; a.By != "os:ann" || a.Channel != "page" || a.Assurance != "host" {
		t.Errorf("%+v", a)
	}
	if _, err := o.Answer(t.Context(), id, Answer{Allow: true}); code(t, err) != Settled {
		t.Error(err)
	}
	if v, err = o.Answer(t.Context(), id, Answer{}); err != nil || v.State != access.ApprovalRefused {
		t.Errorf("a grant that was not used can be taken back: %+v, %v", v, err)
	}
	if open, err := o.Approvals(t.Context(), false); err != nil || len(open) != 0 {
		t.Errorf("%v, %v", open, err)
	}
	rec, err := audit.Last(b.dir, func(r *audit.Record) bool { return r.Kind == audit.KindApproval && r.Decision == access.Allow })
	if err != nil || rec.Approval.By != "os:ann" || rec.Approval.Channel != "page" {
		t.Errorf("%+v, %v", rec.Approval, err)
	}
	if got, err := o.Decision(t.Context(), rec.ID()); err != nil || got.Approval.ID != id {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestRefusals(t *testing.T) {
	b := newBureau(t)
	o := b.as(Approver)
	for _, c := range []struct {
		name, id string
		answer   Answer
		want     Code
	}{
		{"no id", "91", Answer{}, Invalid},
		{"nobody's", "a_91", Answer{}, NotFound},
		{"hidden", b.hold(`{"path":"/a\u202e"}`), Answer{Allow: true}, Hidden},
		{"another risk", b.hold(`{"path":"/b"}`), Answer{Allow: true, AcceptRisk: "fire"}, Invalid},
		{"group", b.hold(`{"path":"/c"}`, approval.Rule{ID: "r", Group: "board"}), Answer{Allow: true}, Group},
		{"assurance", b.hold(`{"path":"/d"}`, approval.Rule{ID: "r", Assurance: approval.Passkey}), Answer{Allow: true}, Assurance},
		{"no device", b.hold(`{"path":"/e"}`, approval.Rule{ID: "r", Assurance: approval.Code}), Answer{Allow: true, Code: "123456"}, NoDevice},
	} {
		if _, err := o.Answer(t.Context(), c.id, c.answer); code(t, err) != c.want {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	for _, id := range []string{"a_1", "a_2", "a_3", "a_4", "a_5"} { // to tighten takes nothing
		if v, err := o.Answer(t.Context(), id, Answer{}); err != nil || v.State != access.ApprovalRefused {
			t.Errorf("%s: %v", id, err)
		}
	}
	self := b.For(Caller{Capability: Approver, Person: approval.Person{ID: "os:dev"}})
	if _, err := self.Answer(t.Context(), b.hold(`{}`, approval.Rule{ID: "r", NotSelf: true}), Answer{Allow: true}); code(t, err) != Self {
		t.Error(err)
	}
	nobody := b.For(Caller{Capability: Approver})
	if _, err := nobody.Answer(t.Context(), b.hold(`{"a":1}`), Answer{Allow: true}); code(t, err) != Unknown {
		t.Error(err)
	}
	hidden := b.hold(`{"path":"/f\u202e"}`)
	if v, err := o.Answer(t.Context(), hidden, Answer{Allow: true, AcceptRisk: HiddenCharacters}); err != nil || v.State != access.ApprovalAllowed {
		t.Errorf("what was seen and accepted: %v", err)
	}
}

// An answer with a code of the caller's device has assurance code, once.
func TestCodes(t *testing.T) {
	b := newBureau(t)
	o := b.as(Approver)
	rule := approval.Rule{ID: "r", Assurance: approval.Code}
	first, second := b.hold(`{"n":1}`, rule), b.hold(`{"n":2}`, rule)
	k, err := b.desk.Book()
	if err != nil {
		t.Fatal(err)
	}
	secret, _, err := k.Enrol(t.Context(), "os:ann")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	show := func(steps time.Duration) string {
		c, err := totp.GenerateCode(secret, at.Add(steps*30*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if err := k.Confirm(t.Context(), "os:ann", show(0)); err != nil {
		t.Fatal(err)
	}
	next := show(1)
	v, err := o.Answer(t.Context(), first, Answer{Allow: true, Code: next[:3] + " " + next[3:]})
	if err != nil || v.Answers[0].Assurance != "code" {
		t.Fatalf("%+v, %v", v, err)
	}
	_, err = o.Answer(t.Context(), second, Answer{Allow: true, Code: next})
	if code(t, err) != WrongCode || strings.Contains(err.Error(), next) {
		t.Errorf("a code twice: %v", err)
	}
	for range 5 {
		_, err = o.Answer(t.Context(), second, Answer{Allow: true, Code: "000000"})
	}
	if code(t, err) != CodeLocked {
		t.Error(err)
	}
}

// Without a log no answer counts.
func TestWithoutEvidence(t *testing.T) {
	b := newBureau(t)
	b.opt.Ready = func() error { return errors.New("the disk is full") }
	id := b.hold(`{}`)
	if _, err := b.as(Approver).Answer(t.Context(), id, Answer{Allow: true}); code(t, err) != Evidence {
		t.Error(err)
	}
	b.opt.Ready = nil
	if err := b.log.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.as(Approver).Answer(t.Context(), id, Answer{Allow: true}); code(t, err) != Evidence {
		t.Errorf("a log that takes nothing: %v", err)
	}
	if v, err := b.as(Viewer).Approval(t.Context(), id); err != nil || v.State != access.ApprovalOpen {
		t.Errorf("%+v, %v", v, err)
	}
}

// A position that this log never reached would hide what is written up to it.
func TestFollowsFromWhatThereIs(t *testing.T) {
	b := newBureau(t)
	o := b.as(Viewer)
	end, err := o.End()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []audit.Position{{0: end[0] + 1}, {7: 1}} {
		if _, err := o.Follow(t.Context(), p, nil); code(t, err) != Invalid {
			t.Errorf("%v: %v", p, err)
		}
	}
	records, err := o.Follow(t.Context(), audit.Position{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for r, err := range records {
		if err != nil || r.Seq != 1 {
			t.Errorf("%+v, %v", r, err)
		}
		break
	}
}
