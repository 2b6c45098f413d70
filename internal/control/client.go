package control

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"github.com/custos-zt/custos/internal/admin"
	"github.com/custos-zt/custos/internal/ask"
)

// Client uses the API of a running process through its socket. Its methods are
// those of an [admin.Operator], and so are their refusals. It is safe for
// concurrent use.
type Client struct{ http http.Client }

// NewClient returns a client of whoever dial reaches.
func NewClient(dial func(context.Context) (net.Conn, error)) *Client {
	return &Client{http.Client{Transport: &http.Transport{
		DialContext:     func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		MaxIdleConns:    1,
		IdleConnTimeout: idleTime / 2,
	}}}
}

// Close gives connections back.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Status says who runs and what waits.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	s := &Status{}
	return s, c.call(ctx, http.MethodGet, "status", nil, s)
}

// Approvals is [admin.Operator.Approvals].
func (c *Client) Approvals(ctx context.Context, all bool) ([]*ask.View, error) {
	var list []*ask.View
	err := c.call(ctx, http.MethodGet, fmt.Sprintf("approvals?all=%v", all), nil, &list)
	return list, err
}

// Approval is [admin.Operator.Approval].
func (c *Client) Approval(ctx context.Context, id string) (*ask.View, error) {
	v := &ask.View{}
	return v, c.call(ctx, http.MethodGet, "approvals/"+url.PathEscape(id), nil, v)
}

// Answer is [admin.Operator.Answer].
func (c *Client) Answer(ctx context.Context, id string, a admin.Answer) (*ask.View, error) {
	v := &ask.View{}
	return v, c.call(ctx, http.MethodPost, "approvals/"+url.PathEscape(id)+"/answer", a, v)
}

// call makes one request. Nothing of it stands in an error: a code might.
func (c *Client) call(ctx context.Context, method, path string, body, into any) error {
	var sent io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://custos/v1/"+path, sent)
	if err != nil {
		return err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	got, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer got.Body.Close()
	text, err := io.ReadAll(io.LimitReader(got.Body, maxAnswer))
	if err != nil {
		return err
	}
	if got.StatusCode == http.StatusOK {
		return json.Unmarshal(text, into)
	}
	var p problemBody
	switch err := json.Unmarshal(text, &p); {
	case err != nil || p.Error == nil:
		return fmt.Errorf("the process answers with status %d", got.StatusCode)
	case p.Error.Code == internalCode:
		return p.Error
	default:
		return &admin.Refusal{Code: p.Error.Code, Text: p.Error.Message}
	}
}
