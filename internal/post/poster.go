package post

import (
	"bytes"
	"context"
	"fmt"
	"net/http"

	"github.com/custos-zt/custos/internal/config"
)

// Poster posts JSON to one address. It is safe for concurrent use.
type Poster struct {
	url     string
	client  *http.Client
	version string
}

// NewPoster returns a poster. url MUST have passed [config.Receiver]; version is
// that of Custos.
func NewPoster(url string, t config.TLS, version string, getenv func(string) string) (*Poster, error) {
	conf, err := TLS(t, "", getenv)
	if err != nil {
		return nil, err
	}
	return &Poster{url: url, client: NewClient(conf), version: version}, nil
}

// FinalError is a failure that another attempt would meet too.
type FinalError struct{ Err error }

// Error says what failed.
func (e *FinalError) Error() string { return e.Err.Error() }

// Unwrap returns what failed.
func (e *FinalError) Unwrap() error { return e.Err }

// Send posts a body and returns once the receiver took it. sign sets further
// headers; nil sets none. What a receiver refuses for good is a [FinalError]:
// anything but 2xx, 408, 429 and 5xx.
func (p *Poster) Send(ctx context.Context, body []byte, sign func(http.Header)) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return &FinalError{WithoutURL(err)}
	}
	req.Header.Set("Content-Type", "application/json")
	if sign != nil {
		sign(req.Header)
	}
	status, _, err := Exchange(p.client, req, p.version)
	switch {
	case err != nil:
		return err
	case status/100 == 2:
		return nil
	}
	err = fmt.Errorf("the receiver answers %d %s", status, http.StatusText(status))
	if status/100 == 5 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout {
		return err
	}
	return &FinalError{err}
}

// Close forgets the connections.
func (p *Poster) Close() { p.client.CloseIdleConnections() }
