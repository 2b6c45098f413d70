package control

import (
	_ "embed"
	"net/http"
	"slices"
	"time"

	"github.com/custos-zt/custos/internal/admin"
)

// route is one operation of the API.
type route struct {
	method, path string
	// needs is what the caller must be; admin.Nothing is everybody at the door.
	needs admin.Capability
	// query names the parameters there are; others are refused.
	query []string
	serve func(*exchange) error
}

// routes returns the API. openapi.json says the same, and a test compares.
func routes() []route {
	return []route{
		{"GET", "/v1/status", admin.Viewer, nil, (*exchange).status},
		{"GET", "/v1/approvals", admin.Viewer, []string{"all"}, (*exchange).approvals},
		{"GET", "/v1/approvals/stats", admin.Viewer, []string{"since"}, (*exchange).stats},
		{"GET", "/v1/approvals/{id}", admin.Viewer, nil, (*exchange).approval},
		{"POST", "/v1/approvals/{id}/answer", admin.Approver, nil, (*exchange).answer},
		{"GET", "/v1/leases", admin.Viewer, []string{"all"}, (*exchange).leases},
		{"POST", "/v1/leases/{id}/revoke", admin.Approver, nil, (*exchange).revoke},
		{"GET", "/v1/decisions/{id}", admin.Viewer, nil, (*exchange).decision},
		{"GET", "/v1/events", admin.Viewer, []string{"kind"}, (*exchange).events},
		{"GET", "/v1/openapi.json", admin.Nothing, nil, (*exchange).openapi},
	}
}

//go:embed openapi.json
var openAPI []byte

// exchange is one request of an admitted caller, and its answer.
type exchange struct {
	w  http.ResponseWriter
	r  *http.Request
	op *admin.Operator
	// caller is what the door admitted.
	caller admin.Caller
	server *Server
}

// api adds the operations to a mux. identify is the door: it says who calls.
func (s *Server) api(mux *http.ServeMux, identify func(*http.Request) (admin.Caller, *problem)) {
	for _, rt := range routes() {
		mux.HandleFunc(rt.method+" "+rt.path, func(w http.ResponseWriter, r *http.Request) {
			header := w.Header()
			header.Set("Cache-Control", "no-store")
			header.Set("X-Content-Type-Options", "nosniff")
			caller, no := identify(r)
			if no == nil && rt.needs > caller.Capability {
				no = forbidden(rt.needs)
				if caller.Capability == admin.Nothing {
					no = unauthorized()
				}
			}
			if no != nil {
				no.write(w)
				return
			}
			e := &exchange{w: w, r: r, op: s.opt.Operations.For(caller), caller: caller, server: s}
			err := e.parameters(rt.query)
			if err == nil {
				err = rt.serve(e)
			}
			if err != nil {
				problemOf(err).write(w)
			}
		})
	}
}

// parameters refuses a query that would be read only in part.
func (e *exchange) parameters(known []string) error {
	for name, values := range e.r.URL.Query() {
		if !slices.Contains(known, name) || len(values) != 1 && name != "kind" {
			return invalid("the query is not understood")
		}
	}
	return nil
}

func (e *exchange) status() error {
	s, err := e.op.Status(e.r.Context())
	if err != nil {
		return err
	}
	return e.json(Status{Status: *s, Capability: e.caller.Capability.String()})
}

// Status is what a caller learns first.
type Status struct {
	admin.Status
	// Capability is the caller's: viewer or approver.
	Capability string `json:"capability"`
}

func (e *exchange) approvals() error {
	all, err := e.all()
	if err != nil {
		return err
	}
	list, err := e.op.Approvals(e.r.Context(), all)
	if err != nil {
		return err
	}
	return e.json(list)
}

// all reports whether the caller wants to see what is over, too.
func (e *exchange) all() (bool, error) {
	switch e.r.URL.Query().Get("all") {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, invalid("all is true or false")
}

// defaultSince is how far back statistics look.
const defaultSince = 30 * 24 * time.Hour

func (e *exchange) stats() error {
	since := defaultSince
	if text := e.r.URL.Query().Get("since"); text != "" {
		var err error
		if since, err = time.ParseDuration(text); err != nil || since < 0 {
			return invalid("since is a duration, such as 24h")
		}
	}
	list, err := e.op.Stats(e.r.Context(), time.Now().Add(-since))
	if err != nil {
		return err
	}
	return e.json(list)
}

func (e *exchange) approval() error {
	v, err := e.op.Approval(e.r.Context(), e.r.PathValue("id"))
	if err != nil {
		return err
	}
	return e.json(v)
}

func (e *exchange) answer() error {
	a, err := readAnswer(e.w, e.r)
	if err != nil {
		return err
	}
	v, err := e.op.Answer(e.r.Context(), e.r.PathValue("id"), a)
	if err != nil {
		return err
	}
	return e.json(v)
}

func (e *exchange) leases() error {
	all, err := e.all()
	if err != nil {
		return err
	}
	list, err := e.op.Leases(e.r.Context(), all)
	if err != nil {
		return err
	}
	return e.json(list)
}

// revoke ends a lease. There is nothing to say but which.
func (e *exchange) revoke() error {
	if err := readNothing(e.w, e.r); err != nil {
		return err
	}
	l, err := e.op.Revoke(e.r.Context(), e.r.PathValue("id"))
	if err != nil {
		return err
	}
	return e.json(l)
}

func (e *exchange) decision() error {
	r, err := e.op.Decision(e.r.Context(), e.r.PathValue("id"))
	if err != nil {
		return err
	}
	return e.json(r)
}

func (e *exchange) openapi() error {
	e.w.Header().Set("Content-Type", "application/json")
	_, err := e.w.Write(openAPI)
	return err
}
