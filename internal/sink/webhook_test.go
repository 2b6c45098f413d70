package sink

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/custos-zt/custos/internal/config"
	"github.com/custos-zt/custos/internal/post"
)

const testSecret = "0123456789abcdef0123456789abcdef"

// hookServer is a receiver that checks signatures with the library of Standard
// Webhooks.
type hookServer struct {
	*httptest.Server
	inbox *inbox

	anyInstance bool

	mu     sync.Mutex
	answer func(w http.ResponseWriter, r *http.Request, body []byte) bool // true: it answered
	seen   []string                                                       // method and path of each request
}

func newHookServer(t testing.TB, ca *authority) *hookServer {
	t.Helper()
	h := &hookServer{inbox: &inbox{}}
	check, err := standardwebhooks.NewWebhookRaw([]byte(testSecret))
	if err != nil {
		t.Fatal(err)
	}
	h.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		h.mu.Lock()
		h.seen = append(h.seen, r.Method+" "+r.URL.Path)
		answer := h.answer
		h.mu.Unlock()
		if answer != nil && answer(w, r, body) {
			return
		}
		if err := check.Verify(body, r.Header); err != nil {
			t.Errorf("the signature does not fit: %v", err)
		}
		if err := post.Verify(testSecret, r.Header, body, time.Now()); err != nil {
			t.Errorf("by our own check: %v", err)
		}
		h.inbox.keep(body)
		var doc struct {
			Instance string
			Records  []json.RawMessage
		}
		if err := json.Unmarshal(body, &doc); err != nil || doc.Instance != testInstance && !h.anyInstance {
			t.Errorf("%v in %.200s", err, body)
		}
		for _, one := range doc.Records {
			h.inbox.take(uidOf(t, string(one)))
		}
	}))
	h.TLS = serverTLS(ca)
	h.StartTLS()
	t.Cleanup(h.Close)
	return h
}

func (h *hookServer) answers(f func(w http.ResponseWriter, r *http.Request, body []byte) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = f
}

func status(code int) func(http.ResponseWriter, *http.Request, []byte) bool {
	return func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		w.WriteHeader(code)
		return true
	}
}

// secretFile writes a secret where a reference finds it.
func secretFile(t testing.TB, secret string) config.Reference {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Reference{Scheme: "file", Name: path}
}

func webhookSpec(c *config.Webhook) Spec {
	env := testEnv()
	return Spec{Name: "webhook", Open: func(context.Context) (Sink, error) { return openWebhook(c, &env) }}
}

func (h *hookServer) config(t testing.TB, ca *authority) *config.Webhook {
	t.Helper()
	return &config.Webhook{URL: h.URL + "/in/token", Secret: secretFile(t, testSecret), Format: config.FormatNDJSON, TLS: ca.client()}
}

func TestCursorSuiteOfTheWebhook(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	for _, format := range []string{config.FormatNDJSON, config.FormatOCSF} {
		t.Run(format, func(t *testing.T) {
			runCursorSuite(t, func(t *testing.T) *receiver {
				t.Helper()
				h := newHookServer(t, ca)
				c := h.config(t, ca)
				c.Format = format
				return &receiver{spec: webhookSpec(c), inbox: h.inbox, down: func(down bool) {
					h.answers(nil)
					if down {
						h.answers(status(http.StatusServiceUnavailable))
					}
				}}
			})
		})
	}
}

// A batch that is too large for the receiver is posted in halves.
func TestWebhookHalvesWhatIsTooLarge(t *testing.T) {
	ca := newAuthority(t)
	h := newHookServer(t, ca)
	h.answers(func(w http.ResponseWriter, _ *http.Request, body []byte) bool {
		if len(body) > 8<<10 {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return true
		}
		return false
	})
	w := newWorld(t)
	w.calls(0, 60)
	r := &receiver{inbox: h.inbox, spec: webhookSpec(h.config(t, ca))}
	r.ships(t, w)
	r.has(t, w, 0)
	// A single record that is too large is dropped, counted, and the rest goes on.
	h.answers(status(http.StatusRequestEntityTooLarge))
	before := len(w.uids()[0])
	w.calls(0, 1)
	board := NewBoard()
	if err := w.ship(r.spec, board); err != nil || board.Stats()[0].Dropped != uint64(len(w.uids()[0])-before) {
		t.Errorf("%v, %+v", err, board.Stats())
	}
}

// Wherever a receiver points, the records go where the configuration says, once
// and as a POST; and no error repeats the address or the secret.
func TestWebhookFollowsNobody(t *testing.T) {
	ca := newAuthority(t)
	elsewhere := newHookServer(t, ca)
	for _, code := range []int{301, 302, 303, 307, 308, 400, 401, 403, 404, 410, 429, 500} {
		h := newHookServer(t, ca)
		h.answers(func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
			http.Redirect(w, r, elsewhere.URL+"/stolen", code)
			return true
		})
		w := newWorld(t)
		w.calls(0, 2)
		err := w.ship(webhookSpec(h.config(t, ca)), nil)
		if err == nil || strings.Contains(err.Error(), "token") || strings.Contains(err.Error(), testSecret) {
			t.Errorf("%d: %v", code, err)
		}
		for _, line := range h.seen {
			if line != "POST /in/token" {
				t.Errorf("%d: %s", code, line)
			}
		}
	}
	if len(elsewhere.seen) > 0 {
		t.Errorf("went elsewhere: %v", elsewhere.seen)
	}
	gone := newHookServer(t, ca)
	c := gone.config(t, ca)
	gone.Close()
	w := newWorld(t)
	w.calls(0, 1)
	if err := w.ship(webhookSpec(c), nil); err == nil || strings.Contains(err.Error(), "token") {
		t.Errorf("a receiver that is gone: %v", err)
	}
	c = newHookServer(t, newAuthority(t)).config(t, ca)
	if err := w.ship(webhookSpec(c), nil); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a receiver of another authority: %v", err)
	}
}

func TestWebhookNeedsASecretThatIsOne(t *testing.T) {
	env := testEnv()
	env.Getenv = func(name string) string {
		return map[string]string{"SHORT": "hunter2", "BAD": "whsec_hunter2!", "GOOD": "whsec_" + base64.StdEncoding.EncodeToString([]byte(testSecret))}[name]
	}
	for name, want := range map[string]string{"SHORT": "shorter than 16 bytes", "BAD": "not base64", "NONE": "is not set", "GOOD": ""} {
		_, err := openWebhook(&config.Webhook{URL: "https://x.example/", Secret: config.Reference{Scheme: "env", Name: name}, Format: config.FormatNDJSON}, &env)
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2")):
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}
