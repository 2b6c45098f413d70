package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/custos-zt/custos/e2e/client"
	"github.com/custos-zt/custos/e2e/peers"
	"github.com/custos-zt/custos/internal/post"
)

// receiver is an HTTP server of somebody who wants to be told.
type receiver struct {
	*httptest.Server
	got chan *http.Request // with their bodies read
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{got: make(chan *http.Request, 16)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			return
		}
		q.Body = io.NopCloser(strings.NewReader(string(body)))
		r.got <- q
	}))
	t.Cleanup(r.Close)
	return r
}

// next waits for a message.
func (r *receiver) next(t *testing.T) (*http.Request, string) {
	t.Helper()
	select {
	case q := <-r.got:
		body, err := io.ReadAll(q.Body)
		if err != nil {
			t.Fatal(err)
		}
		return q, string(body)
	case <-time.After(client.Patience):
		t.Fatal("nobody was told")
		return nil, ""
	}
}

// page serves the approval page of an office, on a free port.
func (l *office) page() (base, approver string) {
	l.t.Helper()
	nothing := client.Start(l.t, l.guarding(peers.Bad(l.t))) // makes the state directory
	nothing.CloseStdin()
	nothing.Wait()
	p := client.Start(l.t, peers.Custos(l.t, "--state", l.state, "--config", l.config, "approvals", "page", "--listen", "127.0.0.1:0", "--json"))
	line, ok := p.Line()
	var at struct{ Page, Approver string }
	if err := json.Unmarshal([]byte(line), &at); !ok || err != nil {
		l.t.Fatalf("%v in %q, %s", err, line, p.Stderr())
	}
	_, token, _ := strings.Cut(at.Approver, "#token=")
	return strings.TrimSuffix(at.Page, "/approvals"), token
}

// asks the API of the page, with a token or without.
func ask(t *testing.T, method, url, token, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(answer)
}

// A held call rings the desktop, a webhook and Slack. The link in a message leads
// to the page, where opening it answers nothing; an answer there lets exactly
// that call pass.
func TestTheLinkInAMessage(t *testing.T) {
	t.Parallel()
	l := newOffice(t, asks, "5m")
	base, token := l.page()
	hook, slack := newReceiver(t), newReceiver(t)
	dir := filepath.Dir(l.config)
	secret, rung := "0123456789abcdef0123456789abcdef", filepath.Join(dir, "rung")
	for name, text := range map[string]string{
		"hook.key": secret + "\n", "slack.url": slack.URL + "/services/T0\n",
		"notify-send": "#!/bin/sh\nfor a; do printf '%s\\n' \"$a\"; done >'" + rung + ".part' && mv '" + rung + ".part' '" + rung + "'\n",
		"custos.yaml": "approvals: {wait: 5m, channels: [desktop, webhook, slack], webhook: {url: '" + hook.URL + "/in', secret: 'file:hook.key'}, slack: {url: 'file:slack.url'}}\n" +
			"listen: {admin: '" + strings.TrimPrefix(base, "http://") + "'}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, "hook.key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "slack.url"), 0o600); err != nil {
		t.Fatal(err)
	}
	sdk := client.Connect(t, l.guarding(peers.Bad(t)), client.Settings{
		Version: "2025-11-25", NoForms: true, Env: []string{"PATH=" + dir + string(os.PathListSeparator) + os.Getenv("PATH")},
	})
	answer := make(chan string, 1)
	go func() {
		r, err := sdk.CallTool(t.Context(), echo("secret words of an agent"))
		if err != nil {
			answer <- err.Error()
			return
		}
		answer <- said(r)
	}()

	q, body := hook.next(t)
	if err := post.Verify(secret, q.Header, []byte(body), time.Now()); err != nil {
		t.Error(err)
	}
	var m struct {
		Data struct{ ID, Page, Tool string }
	}
	if err := json.Unmarshal([]byte(body), &m); err != nil || m.Data.Tool != "echo" || m.Data.Page != base+"/approvals/"+m.Data.ID {
		t.Fatalf("%v: %s", err, body)
	}
	_, text := slack.next(t)
	if !strings.Contains(text, m.Data.Page) || strings.Contains(text+body, "agent") || strings.Contains(text+body, token) {
		t.Errorf("%s\n%s", body, text)
	}
	l.rang(rung, m.Data.Page)
	l.following(t, m.Data.Page, base+"/v1/approvals/"+m.Data.ID, token)
	select {
	case text := <-answer:
		t.Fatalf("the call was answered: %s", text)
	default:
	}
	if status, text := ask(t, http.MethodPost, base+"/v1/approvals/"+m.Data.ID+"/answer", token, `{"allow":true}`); status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	if text := <-answer; text != "secret words of an agent" {
		t.Errorf("%q", text)
	}
}

// rang waits for the notification of the desktop.
func (l *office) rang(file, link string) {
	l.t.Helper()
	for deadline := time.Now().Add(client.Patience); ; time.Sleep(20 * time.Millisecond) {
		text, err := os.ReadFile(file)
		if err == nil {
			if !strings.Contains(string(text), "Custos is holding echo of server\n"+link+"\n") || strings.Contains(string(text), "agent") {
				l.t.Errorf("%q", text)
			}
			return
		}
		if time.Now().After(deadline) {
			l.t.Fatal("the desktop was not rung")
		}
	}
}

// following opens a link in every way that does not say what to answer.
func (l *office) following(t *testing.T, link, operation, token string) {
	t.Helper()
	for _, c := range []struct {
		method, url, token string
		want               int
	}{
		{http.MethodGet, link, "", http.StatusOK},
		{http.MethodHead, link, "", http.StatusOK},
		{http.MethodPost, link, "", http.StatusMethodNotAllowed},
		{http.MethodGet, operation, "", http.StatusUnauthorized},
		{http.MethodGet, operation, token, http.StatusOK},
		{http.MethodGet, operation + "/answer", token, http.StatusMethodNotAllowed},
		{http.MethodPost, operation + "/answer", "", http.StatusUnauthorized},
	} {
		body := ""
		if c.method == http.MethodPost {
			body = `{"allow":true}`
		}
		if status, text := ask(t, c.method, c.url, c.token, body); status != c.want {
			t.Errorf("%s %s: %d %s", c.method, c.url, status, text)
		}
	}
	if list := l.list(); len(list) != 1 || list[0].State != "pending" {
		t.Errorf("following the link left %+v", list)
	}
}

// A rule that denies has the webhook told, once, and of nothing that an agent
// wrote.
func TestARuleNotifies(t *testing.T) {
	t.Parallel()
	hook := newReceiver(t)
	l := newOffice(t, asks+"  - {id: never, deny: [\"server.echo\"], notify: [webhook]}\n", "5m, webhook: {url: '"+hook.URL+"', secret: 'env:HOOK'}")
	const secret = "0123456789abcdef0123456789abcdef"
	sdk := client.Connect(t, l.guarding(peers.Bad(t)), client.Settings{Version: "2025-11-25", Env: []string{"HOOK=" + secret}})
	if text, failed := sdk.Text(t, "echo", map[string]any{"message": "words of an agent"}); !failed {
		t.Fatalf("%q", text)
	}
	q, body := hook.next(t)
	if err := post.Verify(secret, q.Header, []byte(body), time.Now()); err != nil {
		t.Error(err)
	}
	if !strings.Contains(body, `"type":"custos.notice"`) || !strings.Contains(body, `"decision":"deny","reason":"rule_denied","rule":"never"`) || strings.Contains(body, "agent") {
		t.Errorf("%s", body)
	}
}
