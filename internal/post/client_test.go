package post

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
)

func get(t *testing.T, url string) (int, error) {
	t.Helper()
	c := NewClient(nil)
	defer c.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	status, _, err := Exchange(c, req, "1\r\nX: y")
	return status, err
}

// A receiver cannot send Custos elsewhere, nor what is not encrypted away from
// this machine.
func TestWhereNothingIsSent(t *testing.T) {
	var followed atomic.Bool
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/there" {
			followed.Store(true)
		}
		if agent := r.UserAgent(); agent != "custos/1__X:_y" {
			t.Errorf("%q", agent)
		}
		http.Redirect(w, r, "/there", http.StatusTemporaryRedirect)
	}))
	t.Cleanup(s.Close)
	if status, err := get(t, s.URL+"/here"); status != http.StatusTemporaryRedirect || err != nil || followed.Load() {
		t.Errorf("%d, %v, followed: %v", status, err, followed.Load())
	}
	for _, url := range []string{"http://192.0.2.1/token", "http://169.254.169.254/token", "https://169.254.169.254/token", "https://[fe80::1]/token", "https://0.0.0.0/token"} {
		_, err := get(t, url)
		if !errors.Is(err, errAddress) || strings.Contains(err.Error(), "token") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestReachable(t *testing.T) {
	for ip, want := range map[string][2]bool{
		"127.0.0.1": {true, true}, "::1": {true, true}, "10.0.0.1": {false, true}, "203.0.113.7": {false, true},
		"169.254.169.254": {false, false}, "fe80::1": {false, false}, "224.0.0.1": {false, false}, "0.0.0.0": {false, false}, "::": {false, false},
	} {
		at := netip.MustParseAddr(ip)
		if got := [2]bool{reachable(at, true), reachable(at, false)}; got != want {
			t.Errorf("%s: %v in the open and encrypted, want %v", ip, got, want)
		}
	}
}
