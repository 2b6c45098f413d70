package control

import (
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/admin"
)

const yes = `{"allow":true}`

// Who may do what, whichever way a request is made.
func TestWhoGetsIn(t *testing.T) {
	b := newBureau(t)
	id := b.hold(`{"path":"/a"}`)
	look, reply := "/v1/approvals/"+id, "/v1/approvals/"+id+"/answer"
	port := b.base[strings.LastIndexByte(b.base, ':'):]
	v, a := b.tokens.Viewer, b.tokens.Approver
	for _, c := range []struct {
		name, method, path, token, body string
		header                          []string
		status                          int
		code                            admin.Code
	}{
		{"no token", "GET", look, "", "", nil, 401, "unauthorized"},
		{"no token, an answer", "POST", reply, "", yes, nil, 401, "unauthorized"},
		{"another token", "GET", look, "x" + v, "", nil, 401, "unauthorized"},
		{"a part of the token", "GET", look, a[:len(a)-1], "", nil, 401, "unauthorized"},
		{"another scheme", "GET", look, "", "", []string{"Authorization", "Basic " + a}, 401, "unauthorized"},
		{"two tokens", "GET", look, a, "", []string{"Authorization", "Bearer " + v}, 401, "unauthorized"},
		{"a token in the address", "GET", look + "?token=" + a, "", "", nil, 401, "unauthorized"},
		{"a token in a cookie", "POST", reply, "", yes, []string{"Cookie", "token=" + a}, 401, "unauthorized"},
		{"the viewer looks", "GET", look, v, "", nil, 200, ""},
		{"the viewer answers", "POST", reply, v, yes, nil, 403, "not_allowed"},
		{"the viewer refuses", "POST", reply, v, `{"allow":false}`, nil, 403, "not_allowed"},
		{"the scheme in other letters", "GET", look, "", "", []string{"Authorization", "bearer " + v}, 200, ""},
		{"another page", "POST", reply, a, yes, []string{"Origin", "https://evil.example"}, 403, "foreign"},
		{"another port", "POST", reply, a, yes, []string{"Origin", "http://127.0.0.1:1"}, 403, "foreign"},
		{"a page without an origin", "POST", reply, a, yes, []string{"Origin", "null"}, 403, "foreign"},
		{"two origins", "POST", reply, a, yes, []string{"Origin", b.base, "Origin", "https://evil.example"}, 403, "foreign"},
		{"cross-site", "GET", look, a, "", []string{"Sec-Fetch-Site", "cross-site"}, 403, "foreign"},
		{"same-site", "GET", look, a, "", []string{"Sec-Fetch-Site", "same-site"}, 403, "foreign"},
		{"a name made to lead here", "GET", look, a, "", []string{"Host", "evil.example"}, 421, "foreign"},
		{"the same with our port", "GET", look, a, "", []string{"Host", "evil.example" + port}, 421, "foreign"},
		{"our address without its port", "GET", look, a, "", []string{"Host", "127.0.0.1"}, 421, "foreign"},
		{"another loopback address", "GET", look, a, "", []string{"Host", "127.0.0.2" + port}, 421, "foreign"},
		{"the page for another host", "GET", "/approvals", "", "", []string{"Host", "evil.example"}, 421, "foreign"},
		{"localhost", "GET", look, a, "", []string{"Host", "localhost" + port}, 200, ""},
		{"localhost, its origin", "GET", look, a, "", []string{"Host", "localhost" + port, "Origin", "http://localhost" + port}, 200, ""},
		{"localhost, another origin", "GET", look, a, "", []string{"Host", "localhost" + port, "Origin", b.base}, 403, "foreign"},
		{"a form", "POST", reply, a, yes, []string{"Content-Type", "-", "Content-Type", "text/plain"}, 400, "invalid"},
		{"no type", "POST", reply, a, yes, []string{"Content-Type", "-"}, 400, "invalid"},
	} {
		got := b.send(c.method, c.path, c.token, c.body, c.header...)
		if got.status != c.status || got.code() != c.code {
			t.Errorf("%s: %d %s", c.name, got.status, got.body)
		}
		if strings.Contains(got.body, a) || strings.Contains(got.body, v) {
			t.Errorf("%s: a token comes back", c.name)
		}
		if got.header.Get("Set-Cookie") != "" || got.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %v", c.name, got.header)
		}
	}
	if s := b.state(id); s != access.ApprovalOpen {
		t.Fatalf("nobody was to answer: %s", s)
	}
	if got := b.send("POST", reply, a, yes, "Origin", b.base, "Sec-Fetch-Site", "same-origin"); got.status != 200 || b.state(id) != access.ApprovalAllowed {
		t.Errorf("the approver answers: %d %s", got.status, got.body)
	}
}

// No GET and no other method changes anything, whoever sends it and whatever it
// carries.
func TestGETNeverActs(t *testing.T) {
	b := newBureau(t)
	id := b.hold(`{"path":"/a"}`)
	before, err := b.opt.Operations.For(admin.Caller{Capability: admin.Viewer}).End()
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE"} {
		for _, path := range []string{
			"/", "/approvals", "/approvals/" + id, "/approvals/" + id + "/answer", "/approvals/" + id + "?allow=true",
			"/v1/status", "/v1/approvals", "/v1/approvals/" + id, "/v1/approvals/" + id + "/answer", "/v1/approvals/" + id + "/answer?allow=true",
			"/v1/approvals/" + id + "?_method=POST", "/v1/approvals/stats", "/v1/openapi.json", "//v1/approvals/" + id + "/answer",
		} {
			b.send(method, path, b.tokens.Approver, yes, "X-HTTP-Method-Override", "POST")
		}
	}
	after, err := b.opt.Operations.For(admin.Caller{Capability: admin.Viewer}).End()
	if err != nil || after[0] != before[0] {
		t.Errorf("%v, then %v (%v)", before, after, err)
	}
	if s := b.state(id); s != access.ApprovalOpen {
		t.Error(s)
	}
}

// Everything at the browser's door says what a page may do, errors too.
func TestHeaders(t *testing.T) {
	b := newBureau(t)
	for _, path := range []string{"/", "/approvals", "/approvals/a_1", "/page.js", "/page.css", "/v1/status", "/v1/openapi.json", "/nowhere", "/v1/nowhere"} {
		for _, host := range []string{b.base[7:], "evil.example"} {
			h := b.send("GET", path, "", "", "Host", host).header
			for name, want := range map[string]string{
				"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; " +
					"form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
				"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
				"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
			} {
				if got := h.Values(name); len(got) != 1 || got[0] != want {
					t.Errorf("%s for %s: %s is %q", path, host, name, got)
				}
			}
		}
	}
	for path, kind := range map[string]string{"/": "text/html", "/page.js": "text/javascript", "/page.css": "text/css"} {
		if got := b.send("GET", path, "", ""); got.status != 200 || got.header.Get("Content-Type") != kind+"; charset=utf-8" {
			t.Errorf("%s: %d %v", path, got.status, got.header)
		}
	}
}

// The page is the same for everybody, and has nothing that the policy forbids.
func TestThePageIsPlain(t *testing.T) {
	b := newBureau(t)
	b.hold(`{"path":"/only-in-the-api"}`)
	page := b.send("GET", "/approvals/a_1", b.tokens.Approver, "").body
	if page != b.send("GET", "/", "", "").body {
		t.Error("the page depends on who asks")
	}
	script := b.send("GET", "/page.js", "", "").body
	for _, never := range []string{
		"innerHTML", "outerHTML", "insertAdjacent", "document.write", "DOMParser", "eval(", "new Function", "setAttribute(\"on", "localStorage",
		"sessionStorage", "document.cookie", "<a ", "href =", "href:", "window.open",
	} {
		if strings.Contains(script, never) {
			t.Errorf("the script has %q", never)
		}
	}
	for _, never := range []string{"<script>", " on", "style=", "<a ", "http", "only-in-the-api", "<form"} {
		if strings.Contains(page, never) {
			t.Errorf("the page has %q", never)
		}
	}
}

func TestOnlyThisMachine(t *testing.T) {
	b := newBureau(t)
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, _, err := ServePage(l, b.opt); !errors.Is(err, ErrNotLoopback) {
		t.Error(err)
	}
	u, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	if _, _, err := ServePage(u, b.opt); !errors.Is(err, ErrNotLoopback) {
		t.Error(err)
	}
}

// Tokens are new each time, differ, and are long enough not to be guessed.
func TestTokens(t *testing.T) {
	seen := map[string]bool{}
	for range 3 {
		b := newBureau(t)
		for _, token := range []string{b.tokens.Viewer, b.tokens.Approver} {
			if seen[token] || len(token) < 26 {
				t.Errorf("%q", token)
			}
			seen[token] = true
		}
	}
}

func TestPageURL(t *testing.T) {
	if got := PageURL("http://127.0.0.1:7444", "a_91"); got != "http://127.0.0.1:7444/approvals/a_91" {
		t.Error(got)
	}
}

// A stranger on the socket is not listened to, and a door has room for so many.
func TestTheGate(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	own := true
	g := &gate{Listener: l, admit: func(net.Conn) bool { return own }, room: make(chan struct{}, 1)}
	dial := func() net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	dial()
	first, err := g.Accept()
	if err != nil {
		t.Fatal(err)
	}
	turnedAway := dial()
	accepted := make(chan net.Conn)
	go func() {
		c, err := g.Accept()
		if err != nil {
			c = nil
		}
		accepted <- c
	}()
	if _, err := turnedAway.Read(make([]byte, 1)); err == nil {
		t.Error("there is no room, and somebody is served")
	}
	for range 2 { // the place is given back once
		_ = first.Close()
	}
	dial()
	next := <-accepted
	if next == nil {
		t.Fatal("the place was not given back")
	}
	next.Close()
	own = false
	stranger := dial()
	go func() { _, _ = g.Accept() }()
	if _, err := stranger.Read(make([]byte, 1)); err == nil {
		t.Error("a stranger is listened to")
	}
}

func TestAStrangersSocket(t *testing.T) {
	b := newBureau(t)
	id := b.hold(`{"path":"/a"}`)
	for _, own := range []bool{false, true} {
		l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
		if err != nil {
			t.Fatal(err)
		}
		s := serveSocket(l, b.opt, func(net.Conn) bool { return own })
		c := NewClient(dialer(l.Addr()))
		_, err = c.Answer(t.Context(), id, admin.Answer{Allow: true})
		if own != (err == nil) {
			t.Errorf("the same user: %v; %v", own, err)
		}
		want := map[bool]access.ApprovalState{false: access.ApprovalOpen, true: access.ApprovalAllowed}[own]
		if got := b.state(id); got != want {
			t.Errorf("the same user: %v; %v", own, got)
		}
		c.Close()
		if err := s.Close(); err != nil && !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	}
}
