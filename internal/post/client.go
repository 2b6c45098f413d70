// Package post sends messages to the receivers that the configuration names:
// records to sinks, word of held calls to people's tools.
//
// An address comes from the configuration alone, never from a call. It is https,
// or http to this machine; the address that was checked is the one that is
// dialled, no proxy is asked and no redirect is followed. TLS is always checked.
// Errors do not repeat the address: its path may be what lets somebody post
// there.
//
// Webhooks are signed as Standard Webhooks 1.0 says, so that a receiver can check
// them with a library that it has: see [Key.Sign] and [Verify].
package post

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"syscall"
	"time"

	"github.com/custos-zt/custos/internal/config"
)

// NewClient returns an HTTP client for receivers.
func NewClient(conf *tls.Config) *http.Client {
	plain, secure := dialer(true), dialer(false)
	return &http.Client{
		Timeout:       20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &onlyChecked{http.Transport{
			DialContext:           secure.DialContext,
			TLSClientConfig:       conf,
			TLSHandshakeTimeout:   10 * time.Second,
			ResponseHeaderTimeout: 15 * time.Second,
			MaxIdleConns:          2,
			IdleConnTimeout:       90 * time.Second,
			ForceAttemptHTTP2:     true,
		}, http.Transport{
			DialContext:           plain.DialContext,
			ResponseHeaderTimeout: 15 * time.Second,
			MaxIdleConns:          2,
			IdleConnTimeout:       90 * time.Second,
		}},
	}
}

// onlyChecked sends what is not encrypted to this machine alone.
type onlyChecked struct{ secure, plain http.Transport }

// RoundTrip implements [http.RoundTripper].
func (o *onlyChecked) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme == "http" {
		return o.plain.RoundTrip(r)
	}
	return o.secure.RoundTrip(r)
}

// CloseIdleConnections forgets the connections.
func (o *onlyChecked) CloseIdleConnections() {
	o.secure.CloseIdleConnections()
	o.plain.CloseIdleConnections()
}

// errAddress says that a name led to an address that is no receiver's.
var errAddress = errors.New("the name leads to an address that nothing is sent to")

// dialer checks the address that it is about to dial, after names were resolved:
// a name that was checked earlier may lead elsewhere now.
func dialer(plain bool) *net.Dialer {
	return &net.Dialer{Timeout: 10 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !reachable(at.Addr().Unmap(), plain) {
			return errAddress
		}
		return nil
	}}
}

// reachable reports whether a receiver may be there: in the open on this machine
// alone, and nowhere among the addresses of one link, where cloud machines keep
// their own secrets.
func reachable(ip netip.Addr, plain bool) bool {
	if plain {
		return ip.IsLoopback()
	}
	return !ip.IsLinkLocalUnicast() && !ip.IsMulticast() && !ip.IsUnspecified()
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 10

// Exchange sends a request and returns the status and the beginning of the
// answer. version is that of Custos.
func Exchange(c *http.Client, req *http.Request, version string) (status int, answer []byte, err error) {
	req.Header.Set("User-Agent", "custos/"+Token(version, 64))
	res, err := c.Do(req) //nolint:gosec // the address is the configuration's, and checked when it is dialled
	if err != nil {
		return 0, nil, WithoutURL(err)
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return 0, nil, WithoutURL(err)
	}
	return res.StatusCode, answer, nil
}

// WithoutURL drops the address that an error repeats.
func WithoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// TLS returns how to speak to a receiver: TLS 1.2 at least, and always with a
// certificate that is checked, for serverName where it is given.
func TLS(t config.TLS, serverName string, getenv func(string) string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: serverName}
	if t.CA != "" {
		pem, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, fmt.Errorf("tls.ca: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("tls.ca: %s holds no certificate", t.CA)
		}
	}
	if t.Cert == "" {
		return c, nil
	}
	cert, err := os.ReadFile(t.Cert)
	if err != nil {
		return nil, fmt.Errorf("tls.cert: %w", err)
	}
	key, err := t.Key.Resolve(getenv)
	if err != nil {
		return nil, fmt.Errorf("tls.key: %w", err)
	}
	pair, err := tls.X509KeyPair(cert, []byte(key))
	if err != nil {
		return nil, errors.New("tls.cert and tls.key do not belong together, or are not PEM")
	}
	c.Certificates = []tls.Certificate{pair}
	return c, nil
}
