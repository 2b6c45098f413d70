package control

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/admin"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/approval/book"
	"github.com/custos-zt/custos/internal/ask"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/state"
)

// bureau is operations on a new book and a real log, served at both doors.
type bureau struct {
	t      *testing.T
	dir    string
	desk   *ask.Desk
	log    *audit.Log
	opt    Options
	tokens Tokens
	base   string // of the page
	page   *Server
}

func newBureau(t *testing.T, with ...func(*Options)) *bureau {
	t.Helper()
	b := unserved(t)
	for _, w := range with {
		w(&b.opt)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, tokens, err := ServePage(l, b.opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	b.page, b.tokens, b.base = s, tokens, "http://"+l.Addr().String()
	return b
}

// unserved is a bureau without a door.
func unserved(t *testing.T) *bureau {
	t.Helper()
	b := &bureau{t: t, dir: t.TempDir()}
	b.log = b.openLog(0)
	db := filepath.Join(b.dir, "state.db")
	b.desk = ask.NewDesk(ask.Options{
		Open:     func() (*book.Book, error) { return book.Open(book.Options{Path: db}) },
		Evidence: b.log, Isolation: "same-user",
	})
	t.Cleanup(func() { _ = b.desk.Close() })
	b.opt = Options{
		Operations: admin.New(admin.Options{
			Desk: b.desk, LogDir: b.dir, Isolation: "same-user",
			HasBook: func() bool { _, err := os.Stat(db); return err == nil },
			Running: func() ([]state.Description, error) {
				return []state.Description{{PID: 7, Started: time.Now(), Version: "1", Backend: "files", Client: "c", Policy: "sha256:p", Isolation: "same-user", Degraded: "d", Socket: true}}, nil
			},
		}),
		Person: func() approval.Person { return approval.Person{ID: "os:ann"} },
	}
	return b
}

// openLog opens one more chain.
func (b *bureau) openLog(slot int) *audit.Log {
	b.t.Helper()
	dir := filepath.Join(b.dir, audit.SlotName(slot))
	if err := os.Mkdir(dir, 0o700); err != nil {
		b.t.Fatal(err)
	}
	log, err := audit.Open(dir, audit.Options{Instance: "i_test", Slot: slot})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = log.Close() })
	return log
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

// asked records that people were asked because of a rule.
func (b *bureau) asked(rule string) audit.Record {
	b.t.Helper()
	r := audit.Record{
		Kind: audit.KindApproval, Decision: access.Approve, Reason: access.ApprovalPending, Rule: rule, Position: "p:1",
		Approval: &audit.Approval{ID: "a_1", State: "pending"},
	}
	if err := b.log.Append(r).Wait(); err != nil {
		b.t.Fatal(err)
	}
	last, err := audit.Last(b.dir, func(r *audit.Record) bool { return r.Kind == audit.KindApproval })
	if err != nil {
		b.t.Fatal(err)
	}
	return last
}

// state is how a request stands.
func (b *bureau) state(id string) access.ApprovalState {
	b.t.Helper()
	s, err := b.desk.State(b.t.Context(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	body   string
}

// code is the code of a problem, "" where there is none.
func (r reply) code() admin.Code {
	var p problemBody
	if json.Unmarshal([]byte(r.body), &p) != nil || p.Error == nil {
		return ""
	}
	return p.Error.Code
}

// send makes one request of a browser that has a token. header is a list of
// names and values; a value "-" takes a header away.
func (b *bureau) send(method, path, token, body string, header ...string) reply {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		switch {
		case header[i] == "Host":
			r.Host = header[i+1]
		case header[i+1] == "-":
			r.Header.Del(header[i])
		default:
			r.Header.Add(header[i], header[i+1])
		}
	}
	client := http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	got, err := client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	text, err := io.ReadAll(got.Body)
	if err := errors.Join(err, got.Body.Close()); err != nil {
		b.t.Fatal(err)
	}
	return reply{got.StatusCode, got.Header, string(text)}
}
