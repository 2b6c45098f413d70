package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/admin"
	"github.com/custos-zt/custos/internal/canon"
)

const (
	// maxBody bounds what a request may send, and maxAnswer an answer to one.
	maxBody   = 4 << 10
	maxAnswer = 64 << 20
	// maxWord bounds a code and the name of a risk.
	maxWord = 64
)

// readAnswer reads the body of an answer.
func readAnswer(w http.ResponseWriter, r *http.Request) (admin.Answer, error) {
	body, err := readBody(w, r)
	if err != nil {
		return admin.Answer{}, err
	}
	return parseAnswer(body)
}

// readNothing reads a body that says nothing: {}.
func readNothing(w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(w, r)
	if err == nil && string(bytes.TrimSpace(body)) != "{}" {
		err = invalid("the body is an empty object")
	}
	return err
}

// readBody reads a body. Only JSON is read: what a form of another page could
// send is not.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, invalid("the body is application/json")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, invalid("the body is too large")
	case err != nil:
		return nil, invalid("the body cannot be read")
	}
	return body, nil
}

// parseAnswer reads {"allow": true, "code": "…", "accept_risk": "…", …}, strictly:
// nobody allows anything by a key that was meant otherwise.
func parseAnswer(body []byte) (admin.Answer, error) {
	var a admin.Answer
	v, err := canon.Scan(body, canon.Limits{Bytes: maxBody, Depth: 2, FoldDepth: -1})
	if err != nil || v.Kind() != access.Object {
		return a, invalid("the body is no JSON object")
	}
	allow := v.Get("allow")
	if allow.Kind() != access.Bool {
		return a, invalid("allow is true or false")
	}
	a.Allow = allow.True()
	for _, m := range v.Members() {
		switch m.Key {
		case "allow":
			continue
		case "code":
			a.Code = m.Value.Text()
		case "accept_risk":
			a.AcceptRisk = m.Value.Text()
		case "standing":
			a.Standing = m.Value.Text()
		case "uses":
			n, err := strconv.Atoi(m.Value.Raw())
			if err != nil || n < 1 {
				return admin.Answer{}, invalid("uses is a whole number from 1")
			}
			a.Uses = n
			continue
		case "for":
			if a.For.UnmarshalText([]byte(m.Value.Text())) != nil {
				return admin.Answer{}, invalid("for is a length of time, such as 15m")
			}
		default:
			return admin.Answer{}, invalid("the members of an answer are allow, code, accept_risk, standing, uses and for")
		}
		if m.Value.Kind() != access.String || len(m.Value.Text()) > maxWord {
			return admin.Answer{}, invalid(m.Key + " is a short text")
		}
	}
	return a, nil
}

// json writes an answer.
func (e *exchange) json(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	e.w.Header().Set("Content-Type", "application/json")
	_, _ = e.w.Write(append(b, '\n')) // whoever asked may be gone
	return nil
}
