package ask

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/config"
	"github.com/custos-zt/custos/internal/post"
)

const hookSecret = "0123456789abcdef0123456789abcdef"

// hook is a receiver. It answers with one status after the other, then 200.
type hook struct {
	*httptest.Server
	mu       sync.Mutex
	statuses []int
	bodies   []string
	headers  []http.Header
}

func newHook(t *testing.T, statuses ...int) *hook {
	t.Helper()
	h := &hook{statuses: statuses}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || r.URL.Path != "/hook/hunter2" {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.bodies, h.headers = append(h.bodies, string(body)), append(h.headers, r.Header)
		if len(h.statuses) > 0 {
			w.WriteHeader(h.statuses[0])
			h.statuses = h.statuses[1:]
		}
	}))
	t.Cleanup(h.Close)
	return h
}

// office is a desk with the channels of a configuration.
type office struct {
	*Desk
	informers []*Informer
	mu        sync.Mutex
	failed    []string
}

// newOffice configures one channel that sends to a receiver.
func newOffice(t *testing.T, d *Desk, h *hook, name string, details bool) *office {
	t.Helper()
	dir := t.TempDir()
	write := func(file, text string) config.Reference {
		path := filepath.Join(dir, file)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return config.Reference{Scheme: "file", Name: path}
	}
	m := &config.Message{URL: h.URL + "/hook/hunter2", Where: write("where", h.URL+"/hook/hunter2\n"), Secret: write("secret", hookSecret+"\n"), Details: details}
	o := &office{Desk: d}
	o.open(t, &config.Approvals{Channels: []string{"elicitation", name}, Webhook: m, Slack: m}, nil)
	return o
}

func (o *office) open(t *testing.T, c *config.Approvals, change func(*Env)) {
	t.Helper()
	env := Env{
		Instance: "i_test", Version: "0", Getenv: os.Getenv,
		Page: func(id string) string { return "http://127.0.0.1:7444/approvals/" + id },
		Failed: func(channel string, err error) {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.failed = append(o.failed, channel+": "+err.Error())
		},
	}
	if change != nil {
		change(&env)
	}
	var err error
	if o.informers, err = Informers(o.Desk, c, env); err != nil {
		t.Fatal(err)
	}
	for _, i := range o.informers {
		i.waits = make([]time.Duration, len(i.waits))
	}
}

// inform tells of a request and waits until it arrived, or did not.
func (o *office) inform(t *testing.T, id string) {
	t.Helper()
	for _, i := range o.informers {
		i.Inform(id)
		i.all.Wait()
	}
}

// hostile is a call of which every word could be taken for something else.
func hostile() *approval.Request {
	return &approval.Request{
		Subject: "os:dev", Client: "<!channel> desk", Root: "/src", Backend: "files", Kind: access.Tool, Method: "tools/call", Name: "write<@U1>",
		Params: `{"name":"write","arguments":{"to":"<https://evil.example|Custos> & *allow*","key":"4096123487","n":"\u202e"}}`,
	}
}

func TestTheWebhook(t *testing.T) {
	d := hushed(t)
	h := newHook(t, http.StatusServiceUnavailable, http.StatusTooManyRequests)
	o := newOffice(t, d, h, "webhook", false)
	id := consult(t, d, hostile()).ID
	o.inform(t, id)
	o.inform(t, id) // a client that repeats a call does not ring again
	if len(h.bodies) != 3 || h.bodies[0] != h.bodies[2] || len(o.failed) > 0 {
		t.Fatalf("%d messages, %v", len(h.bodies), o.failed)
	}
	for i, header := range h.headers {
		if err := post.Verify(hookSecret, header, []byte(h.bodies[i]), time.Now()); err != nil {
			t.Error(err)
		}
		if header.Get("Webhook-Id") != h.headers[0].Get("Webhook-Id") {
			t.Error("the same message under another id")
		}
	}
	var got struct {
		Type string
		Data map[string]any
	}
	if err := json.Unmarshal([]byte(h.bodies[0]), &got); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"opened", "expires"} {
		if got.Data[key] == nil {
			t.Errorf("no %s: %s", key, h.bodies[0])
		}
		delete(got.Data, key)
	}
	b, _ := json.Marshal(got.Data)
	want := `{"arguments":3,"backend":"files","command":"custos approvals allow ` + id + `","hidden":true,"id":"` + id +
		`","instance":"i_test","masked":true,"method":"tools/call","page":"http://127.0.0.1:7444/approvals/` + id + `","rules":["writes"],"tool":"write\u003c@U1\u003e"}`
	if got.Type != "custos.approval" || string(b) != want {
		t.Errorf("%s\nwant %s", b, want)
	}
	if len(h.headers[0]["Authorization"])+len(h.headers[0]["Cookie"]) > 0 {
		t.Errorf("%v", h.headers[0])
	}
}

func TestDetailsAreMaskedAndEscaped(t *testing.T) {
	d := hushed(t)
	h := newHook(t)
	o := newOffice(t, d, h, "webhook", true)
	o.inform(t, consult(t, d, hostile()).ID)
	if len(h.bodies) != 1 || !strings.Contains(h.bodies[0], `{"name":"key","value":"\"[secret env:PIN]\"","compared":false}`) ||
		!strings.Contains(h.bodies[0], `\\u202e`) || !strings.Contains(h.bodies[0], `"root":"/src"`) || strings.Contains(h.bodies[0], "4096123487") {
		t.Errorf("%s", h.bodies)
	}
}

// Of a resource not even the name is told: an agent wrote it.
func TestNamesOfResourcesStayHere(t *testing.T) {
	d, _ := desk(t)
	h := newHook(t)
	o := newOffice(t, d, h, "webhook", false)
	o.inform(t, consult(t, d, &approval.Request{
		Subject: "os:dev", Backend: "files", Kind: access.Resource, Method: "resources/read", Name: "https://h.example/?token=x", Params: `{"uri":"https://h.example/?token=x"}`,
	}).ID)
	if len(h.bodies) != 1 || strings.Contains(h.bodies[0], "h.example") || !strings.Contains(h.bodies[0], `"method":"resources/read","rules"`) {
		t.Errorf("%s", h.bodies)
	}
}

func TestWhatIsNotDelivered(t *testing.T) {
	d, _ := desk(t)
	for want, statuses := range map[string][]int{
		"webhook: the receiver answers 404 Not Found":                        {404},
		"webhook: the receiver answers 302 Found":                            {302},
		"webhook: tried 3 times: the receiver answers 500 Internal Server E": {500, 502, 500},
	} {
		h := newHook(t, statuses...)
		o := newOffice(t, d, h, "webhook", false)
		id := held(t, d, `{"path":"/a"}`)
		o.inform(t, id)
		if len(o.failed) != 1 || !strings.HasPrefix(o.failed[0], want) || strings.Contains(o.failed[0], "hunter2") || len(h.bodies) != len(statuses) {
			t.Errorf("%v after %d messages, want %s", o.failed, len(h.bodies), want)
		}
		if state, err := d.State(t.Context(), id); err != nil || state != access.ApprovalOpen {
			t.Errorf("%s, %v: a receiver answers nothing", state, err)
		}
		o.inform(t, id) // the repetition of the call tries again
		if len(h.bodies) != len(statuses)+1 {
			t.Errorf("%d messages after the repetition", len(h.bodies))
		}
	}
	h := newHook(t)
	o := newOffice(t, d, h, "webhook", false)
	h.Close()
	o.inform(t, held(t, d, `{"path":"/b"}`))
	if len(o.failed) != 1 || strings.Contains(o.failed[0], "hunter2") {
		t.Errorf("nobody there: %v", o.failed)
	}
}

// scripted is a carrier that does what a test says.
type scripted struct {
	do func(context.Context, *Word) error
}

func (s *scripted) name() string                             { return "scripted" }
func (s *scripted) details() bool                            { return false }
func (s *scripted) carry(ctx context.Context, w *Word) error { return s.do(ctx, w) }

func TestWhatIsAnsweredIsToldNoMore(t *testing.T) {
	d, _ := desk(t)
	id := held(t, d, `{"path":"/a"}`)
	calls := 0
	i := newInformer(d, &scripted{func(context.Context, *Word) error {
		calls++
		return errors.Join(d.Say(t.Context(), id, "tty", true), errors.New("try again"))
	}}, &Env{Failed: func(_ string, err error) { t.Error(err) }})
	i.waits = make([]time.Duration, 3)
	i.Inform(id)
	i.all.Wait()
	if calls != 1 {
		t.Errorf("told %d times", calls)
	}
}

func TestAnInformerHoldsUpNobody(t *testing.T) {
	d, _ := desk(t)
	var mu sync.Mutex
	var failed []error
	hangs := &scripted{func(ctx context.Context, _ *Word) error { <-ctx.Done(); return ctx.Err() }}
	i := newInformer(d, hangs, &Env{Failed: func(_ string, err error) { mu.Lock(); failed = append(failed, err); mu.Unlock() }})
	ids := make([]string, 2)
	for n := range ids {
		ids[n] = held(t, d, `{"n":"`+strings.Repeat("x", n)+`"}`)
	}
	i.room = make(chan struct{}, 1)
	i.Inform(ids[0]) // hangs
	i.Inform(ids[1]) // there is no room
	i.Close(0)
	i.Inform(ids[1])
	i.all.Wait()
	if len(failed) != 1 || !errors.Is(failed[0], errBusy) {
		t.Errorf("%v", failed)
	}
}
