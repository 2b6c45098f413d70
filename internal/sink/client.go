package sink

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/custos-zt/custos/internal/config"
)

// newClient returns the HTTP client of one sink. It follows no redirect, because
// the address was checked and another one was not, and asks no proxy: the
// address in the configuration is the one that is dialled.
func newClient(t config.TLS, env *Env) (*http.Client, error) {
	conf, err := clientTLS(t, "", env)
	if err != nil {
		return nil, err
	}
	return &http.Client{
		Timeout:       20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			TLSClientConfig:       conf,
			TLSHandshakeTimeout:   10 * time.Second,
			ResponseHeaderTimeout: 15 * time.Second,
			MaxIdleConns:          2,
			IdleConnTimeout:       90 * time.Second,
			ForceAttemptHTTP2:     true,
		},
	}, nil
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 10

// exchange sends a request and returns the status and the beginning of the
// answer.
func exchange(c *http.Client, req *http.Request, version string) (status int, answer []byte, err error) {
	req.Header.Set("User-Agent", "custos/"+header(version, 64))
	res, err := c.Do(req)
	if err != nil {
		return 0, nil, withoutURL(err)
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return 0, nil, withoutURL(err)
	}
	return res.StatusCode, answer, nil
}

// withoutURL drops the address that an error repeats: its path may be what lets
// somebody post there.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
