package control

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/admin"
)

func dialer(at net.Addr) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, at.Network(), at.String())
	}
}

// socket serves a bureau on a unix socket, as a guard does.
func (b *bureau) socket() *Client {
	b.t.Helper()
	dir, err := os.MkdirTemp("", "s") // a short path, which every system takes
	if err != nil {
		b.t.Fatal(err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "00.sock"), Net: "unix"})
	if err != nil {
		b.t.Fatal(err)
	}
	s := ServeSocket(l, b.opt)
	c := NewClient(dialer(l.Addr()))
	b.t.Cleanup(func() {
		c.Close()
		_ = errors.Join(s.Close(), os.RemoveAll(dir))
	})
	return c
}

// What the client brings is what the operations return.
func TestClient(t *testing.T) {
	b := newBureau(t)
	c := b.socket()
	o := b.opt.Operations.For(admin.Caller{Capability: admin.Approver, Person: b.opt.Person(), Channel: "cli"})
	if list, err := c.Approvals(t.Context(), true); err != nil || list == nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
	first, second := b.hold(`{"path":"/a","text":"ein\nzwei\u202e<b>"}`), b.hold(`{"path":"/b"}`)
	for _, all := range []bool{false, true} {
		want, err := o.Approvals(t.Context(), all)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Approvals(t.Context(), all)
		if diff := cmp.Diff(want, got); diff != "" || err != nil || len(got) != 2 {
			t.Errorf("%v: %v\n%s", all, err, diff)
		}
	}
	s, err := c.Status(t.Context())
	if err != nil || s.Capability != "approver" || len(s.Waiting) != 2 || s.Running[0].Backend != "files" {
		t.Errorf("%+v, %v", s, err)
	}
	v, err := c.Answer(t.Context(), second, admin.Answer{Allow: true})
	if err != nil || v.State != access.ApprovalAllowed || v.Answers[0].Channel != "cli" || v.Answers[0].By != "os:ann" {
		t.Fatalf("%+v, %v", v, err)
	}
	want, err := o.Approval(t.Context(), second)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Approval(t.Context(), second)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if _, err := c.Answer(t.Context(), first, admin.Answer{Allow: true, AcceptRisk: admin.HiddenCharacters}); err != nil {
		t.Error(err)
	}
}

// A refusal is the same refusal, whichever way it came.
func TestClientRefusals(t *testing.T) {
	b := newBureau(t)
	c := b.socket()
	o := b.opt.Operations.For(admin.Caller{Capability: admin.Approver, Person: b.opt.Person(), Channel: "cli"})
	hidden := b.hold(`{"path":"\u202e"}`)
	for _, id := range []string{hidden, "a_91", "91", "a_1/answer", "", "..", "a_1?all=true"} {
		_, here := o.Answer(t.Context(), id, admin.Answer{Allow: true})
		_, there := c.Answer(t.Context(), id, admin.Answer{Allow: true})
		var want, got *admin.Refusal
		if !errors.As(here, &want) {
			t.Fatalf("%q: %v", id, here)
		}
		if id == "" || id == ".." { // no address of a request
			if there == nil {
				t.Errorf("%q is answered", id)
			}
			continue
		}
		if !errors.As(there, &got) || got.Code != want.Code || got.Text != want.Text {
			t.Errorf("%q: %v, over the wire %v", id, here, there)
		}
	}
}

// The kernel says who connects: this test is the same user.
func TestOwnPeer(t *testing.T) {
	b := newBureau(t)
	if _, err := b.socket().Status(t.Context()); err != nil {
		t.Error(err)
	}
	here, there := net.Pipe()
	defer here.Close()
	defer there.Close()
	if ownPeer(here) {
		t.Error("of a pipe nobody can say who is there")
	}
}
