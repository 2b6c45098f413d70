package control

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"embed"
	"errors"
	"net"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/custos-zt/custos/internal/admin"
)

// Tokens open the door to a browser. They live as long as the process, in its
// memory and in that of the page; whoever prints them says to whom.
type Tokens struct {
	Viewer, Approver string
}

// ErrNotLoopback refuses an address that others can reach: there is no TLS here,
// and a bearer token is all that is asked for.
var ErrNotLoopback = errors.New("the approval page is served on an address of this machine alone, such as 127.0.0.1")

//go:embed page
var pageFiles embed.FS

// door is the way in for a browser on this machine.
type door struct {
	hosts            []string
	viewer, approver [sha256.Size]byte
	server           *Server
}

// ServePage serves the API and the approval page on a loopback address, and
// returns the tokens that open it. An answer has assurance host, or code: the
// agent's machine could have given it.
func ServePage(l net.Listener, o Options) (*Server, Tokens, error) {
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok || !addr.IP.IsLoopback() {
		return nil, Tokens{}, ErrNotLoopback
	}
	s := newServer(l, o, func(net.Conn) bool { return true })
	t := Tokens{Viewer: rand.Text(), Approver: rand.Text()}
	d := &door{hosts: hosts(addr), viewer: sha256.Sum256([]byte(t.Viewer)), approver: sha256.Sum256([]byte(t.Approver)), server: s}
	s.serve(d.handler)
	return s, t, nil
}

// handler is the API and the page.
func (d *door) handler() http.Handler {
	api := http.NewServeMux()
	d.server.api(api, d.identify)
	mux := http.NewServeMux()
	mux.Handle("/v1/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if no := d.foreign(r); no != nil {
			no.write(w)
			return
		}
		api.ServeHTTP(w, r)
	}))
	for at, file := range map[string]string{
		"GET /{$}": "index.html", "GET /approvals": "index.html", "GET /approvals/{id}": "index.html",
		"GET /page.js": "page.js", "GET /page.css": "page.css",
	} {
		mux.HandleFunc(at, func(w http.ResponseWriter, _ *http.Request) { writePage(w, file) })
	}
	return d.here(mux)
}

// hosts are the names under which a browser on this machine knows an address.
func hosts(a *net.TCPAddr) []string {
	_, port, _ := net.SplitHostPort(a.String()) // the address of a listener
	return []string{a.String(), net.JoinHostPort("localhost", port)}
}

// here refuses requests for another host. A name that somebody made to lead
// here (DNS rebinding) is one.
func (d *door) here(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w.Header())
		if !slices.Contains(d.hosts, r.Host) {
			(&problem{http.StatusMisdirectedRequest, foreignCode, "this is no name of this machine"}).write(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// foreign refuses what another page makes a browser send, where the browser says
// so. Without a token it would come to nothing anyway.
func (d *door) foreign(r *http.Request) *problem {
	for _, origin := range r.Header.Values("Origin") {
		if origin != "http://"+r.Host { // which is one of ours
			return foreign("this request comes from another page")
		}
	}
	for _, site := range r.Header.Values("Sec-Fetch-Site") {
		if site != "same-origin" && site != "none" {
			return foreign("this request comes from another page")
		}
	}
	return nil
}

// identify says what the token of a request opens. It takes the same time
// whatever the token is.
func (d *door) identify(r *http.Request) (admin.Caller, *problem) {
	caller := admin.Caller{Channel: "page"}
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		return caller, nil // some things are for everybody
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	sum := sha256.Sum256([]byte(token))
	viewer := subtle.ConstantTimeCompare(sum[:], d.viewer[:])
	approver := subtle.ConstantTimeCompare(sum[:], d.approver[:])
	switch {
	case len(values) > 1 || !strings.EqualFold(scheme, "Bearer"):
		return caller, unauthorized()
	case approver == 1:
		caller.Capability, caller.Person = admin.Approver, d.server.opt.Person()
	case viewer == 1:
		caller.Capability = admin.Viewer
	default:
		return caller, unauthorized()
	}
	return caller, nil
}

// ContentPolicy is what the page may do: run its own script, wear its own style,
// and talk to where it came from.
const ContentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; " +
	"form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

func setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", ContentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// writePage writes one file of the page. They hold nothing of any call.
func writePage(w http.ResponseWriter, file string) {
	text, err := pageFiles.ReadFile("page/" + file)
	if err != nil {
		problemOf(err).write(w)
		return
	}
	kind := map[string]string{".html": "text/html", ".js": "text/javascript", ".css": "text/css"}[path.Ext(file)]
	w.Header().Set("Content-Type", kind+"; charset=utf-8")
	_, _ = w.Write(text) // whoever asked may be gone
}
