package control

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/custos-zt/custos/internal/admin"
)

// The codes that this package adds to those of package admin.
const (
	unauthorizedCode admin.Code = "unauthorized" // no token, or one that is none
	foreignCode      admin.Code = "foreign"      // another page's request, or another host's
	busyCode         admin.Code = "busy"         // as many as may are served already
	internalCode     admin.Code = "internal"     // a malfunction
)

// problem is why a request was not answered.
type problem struct {
	status int
	Code   admin.Code `json:"code"`
	// Message is for people.
	Message string `json:"message"`
}

// problemBody is a problem on the wire.
type problemBody struct {
	Error *problem `json:"error"`
}

// Error returns the message.
func (p *problem) Error() string { return p.Message }

func (p *problem) write(w http.ResponseWriter) {
	if p.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	b, err := json.Marshal(problemBody{p})
	if err != nil {
		panic(err) // two texts
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(p.status)
	_, _ = w.Write(append(b, '\n')) // whoever asked may be gone
}

func invalid(text string) error {
	return &problem{http.StatusBadRequest, admin.Invalid, text}
}

func unauthorized() *problem {
	return &problem{http.StatusUnauthorized, unauthorizedCode, "this takes the token that custos approvals page printed"}
}

func forbidden(needs admin.Capability) *problem {
	return &problem{http.StatusForbidden, admin.NotAllowed, "this takes the token of an " + needs.String()}
}

func foreign(text string) *problem { return &problem{http.StatusForbidden, foreignCode, text} }

// problemOf is the one place where a refusal becomes a status of HTTP.
func problemOf(err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	var r *admin.Refusal
	if !errors.As(err, &r) {
		return &problem{http.StatusInternalServerError, internalCode, err.Error()}
	}
	var status int
	switch r.Code {
	case admin.Invalid:
		status = http.StatusBadRequest
	case admin.NotFound:
		status = http.StatusNotFound
	case admin.Settled, admin.Expired:
		status = http.StatusConflict
	case admin.CodeLocked:
		status = http.StatusTooManyRequests
	case admin.Evidence:
		status = http.StatusServiceUnavailable
	default: // it does not count
		status = http.StatusForbidden
	}
	return &problem{status, r.Code, r.Text}
}
