package ask

import (
	"encoding/base64"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/approval/book"
	"github.com/custos-zt/custos/internal/canon"
)

// desk is one on a new book and a real log.
func desk(t *testing.T) (d *Desk, logDir string) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "state.db")
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Mkdir(filepath.Join(dir, "00"), 0o700)); err != nil {
		t.Fatal(err)
	}
	log, err := audit.Open(filepath.Join(dir, "00"), audit.Options{Instance: "i_test"})
	if err != nil {
		t.Fatal(err)
	}
	d = NewDesk(Options{
		Open:     func() (*book.Book, error) { return book.Open(book.Options{Path: path}) },
		Evidence: log, Isolation: "same-user",
		Person: func() approval.Person { return approval.Person{ID: "os:dev", Groups: []string{"ops"}} },
		Key:    func() [32]byte { return [32]byte{5} },
	})
	t.Cleanup(func() { _ = errors.Join(d.Close(), log.Close()) })
	return d, dir
}

// held holds a call with these arguments and returns its id.
func held(t *testing.T, d *Desk, arguments string, rules ...approval.Rule) string {
	t.Helper()
	if rules == nil {
		rules = []approval.Rule{{ID: "writes", Position: "p.yaml:3"}}
	}
	params, err := canon.Parse(`{"name":"write","arguments":`+arguments+`}`, canon.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	a, err := d.Consult(t.Context(), &approval.Request{
		Subject: "os:dev", Client: "desk", Root: "/src", Backend: "files", Kind: access.Tool, Method: "tools/call", Name: "write",
		Digest: canon.RequestDigest("tools/call", params), Params: params.Raw(), Policy: "sha256:p", Rules: rules,
	})
	if err != nil {
		t.Fatal(err)
	}
	return a.ID
}

func TestATokenIsGoodForOneAnswer(t *testing.T) {
	d, _ := desk(t)
	id := held(t, d, `{"path":"/a"}`)
	first, err := d.Seal(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	second, err := d.Seal(t.Context(), id)
	if err != nil || !IsToken(second) || strings.Contains(second, "a_1") {
		t.Fatal(second, err)
	}
	if _, err := d.Redeem(t.Context(), first); !errors.Is(err, book.ErrNonce) {
		t.Errorf("a token that another one replaced: %v", err)
	}
	asked, err := d.Redeem(t.Context(), second)
	if err != nil || asked.ID != id || !strings.Contains(asked.Params, "/a") || time.Since(asked.At) > time.Minute {
		t.Errorf("%+v, %v", asked, err)
	}
	if _, err := d.Redeem(t.Context(), second); !errors.Is(err, book.ErrNonce) {
		t.Errorf("a token twice: %v", err)
	}
	if err := d.Say(t.Context(), id, "tty", false); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Seal(t.Context(), id); !errors.Is(err, book.ErrNonce) {
		t.Errorf("a question about what is answered: %v", err)
	}
}

func TestForgedTokens(t *testing.T) {
	d, _ := desk(t)
	token, err := d.Seal(t.Context(), held(t, d, `{}`))
	if err != nil {
		t.Fatal(err)
	}
	box, _ := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token, tokenPrefix))
	box[len(box)-1] ^= 1
	for _, forged := range []string{
		"", tokenPrefix, tokenPrefix + "%", tokenPrefix + "AAAA", token[:len(token)-4], "custos2" + token[7:],
		tokenPrefix + base64.RawURLEncoding.EncodeToString(box),
	} {
		if _, err := d.Redeem(t.Context(), forged); !errors.Is(err, ErrToken) {
			t.Errorf("%q: %v", forged, err)
		}
	}
	if _, err := d.Redeem(t.Context(), token); err != nil {
		t.Errorf("the real one: %v", err)
	}
}

func FuzzRedeem(f *testing.F) {
	f.Add("custos1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	d := NewDesk(Options{Key: func() [32]byte { return [32]byte{5} }, Open: func() (*book.Book, error) { return nil, errors.New("closed") }})
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := d.Redeem(t.Context(), text); err == nil {
			t.Errorf("%q is a token", text)
		}
	})
}

// terminal returns a terminal channel and the person's end of it.
func terminal(t *testing.T, d *Desk) (*Terminal, net.Conn) {
	t.Helper()
	person, guard := net.Pipe()
	t.Cleanup(func() { _ = person.Close() })
	return NewTerminal(d, func() (Line, error) { return guard, nil }), person
}

// read reads from the terminal until it holds a text.
func read(t *testing.T, c net.Conn, until string) string {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
	var all strings.Builder
	buf := make([]byte, 4096)
	for !strings.Contains(all.String(), until) {
		n, err := c.Read(buf)
		if err != nil {
			t.Fatalf("%v after %q", err, all.String())
		}
		all.Write(buf[:n])
	}
	return all.String()
}

func TestTheTerminal(t *testing.T) {
	for _, c := range []struct {
		typed string
		state access.ApprovalState
	}{
		{"a\n", access.ApprovalAllowed},
		{"ALLOW\r", access.ApprovalAllowed},
		{"maybe\n\nd\n", access.ApprovalRefused},
	} {
		d, _ := desk(t)
		id := held(t, d, `{"path":"/a\u001b[2K\u202e"}`)
		ch, person := terminal(t, d)
		done := make(chan bool)
		go func() { done <- ch.Ask(t.Context(), id) }()
		shown := read(t, person, "[a]llow once  [d]eny: ")
		if !strings.Contains(shown, "custos: "+id+"  files.write  by desk for os:dev in /src") ||
			!strings.Contains(shown, `"/a\u001b[2K\u202e"`) || strings.ContainsAny(shown, "\x1b\u202e") {
			t.Errorf("shown: %q", shown)
		}
		go func() {
			buf := make([]byte, 4096)
			for { // what it says further
				if _, err := person.Read(buf); err != nil {
					return
				}
			}
		}()
		if _, err := person.Write([]byte(c.typed)); err != nil {
			t.Fatal(err)
		}
		if !<-done {
			t.Errorf("%q is no answer", c.typed)
		}
		if got, err := d.State(t.Context(), id); err != nil || got != c.state {
			t.Errorf("%q: %s, %v", c.typed, got, err)
		}
	}
}

func TestTheTerminalIsLeftAlone(t *testing.T) {
	d, _ := desk(t)
	closed := NewTerminal(d, func() (Line, error) { return nil, ErrBackground })
	if closed.Ask(t.Context(), held(t, d, `{}`)) {
		t.Error("answered without a terminal")
	}
	sure := held(t, d, `{"path":"/b"}`, approval.Rule{ID: "sure", Assurance: approval.Code})
	opened := NewTerminal(d, func() (Line, error) { t.Error("somebody is asked in vain"); return nil, ErrBackground })
	if opened.Ask(t.Context(), sure) || opened.Ask(t.Context(), "a_99") {
		t.Error("answered what the terminal cannot")
	}
	if d.Say(t.Context(), sure, "tty", true) == nil {
		t.Error("the answer counts")
	}
}

func TestShow(t *testing.T) {
	d, logDir := desk(t)
	id := held(t, d, `{"why":"rule trusted","n":9007199254740993,"t":"a\nb"}`)
	v, err := d.Show(t.Context(), id)
	if err != nil || v.Hidden {
		t.Fatalf("%+v, %v", v, err)
	}
	want := [][2]string{{`"why"`, `"rule trusted"`}, {"n", "9007199254740993"}, {"t", `"a\nb"`}, {"why", "rule writes, p.yaml:3"}}
	for i, l := range v.Lines() {
		if l != want[i] {
			t.Errorf("line %d is %q, want %q", i, l, want[i])
		}
	}
	if err := d.Say(t.Context(), id, "tty", true); err != nil {
		t.Fatal(err)
	}
	var recorded int
	for r, err := range audit.Read(logDir, audit.ReadOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Kind == audit.KindApproval {
			recorded++
			if a := r.Approval; a.ID != id || a.State != "granted" || a.By != "os:dev" || a.Channel != "tty" || a.Assurance != "host" {
				t.Errorf("%+v", a)
			}
		}
	}
	if recorded != 1 {
		t.Errorf("%d records", recorded)
	}
}
