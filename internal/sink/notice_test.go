package sink

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/config"
	"github.com/custos-zt/custos/internal/post"
)

// told is a receiver of notices.
type told struct {
	*httptest.Server
	status  int
	bodies  []string
	headers []http.Header
}

func newTold(t *testing.T) *told {
	t.Helper()
	r := &told{status: http.StatusOK}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			return
		}
		w.WriteHeader(r.status)
		r.bodies, r.headers = append(r.bodies, string(body)), append(r.headers, q.Header)
	}))
	t.Cleanup(r.Close)
	return r
}

// decided records a decision whose rules notify these channels.
func (w *world) decided(at time.Time, tool string, notify ...string) {
	w.t.Helper()
	a := w.log(0).Append(audit.Record{
		Kind: audit.KindAdmission, Time: at, Method: "tools/call", Direction: "client", Backend: "files", Tool: tool,
		Decision: access.Deny, Reason: access.RuleDenied, Rule: "stay", Subject: "os:dev", Message: "words of an agent", Notify: notify,
	})
	if err := a.Wait(); err != nil {
		w.t.Fatal(err)
	}
}

func TestNotices(t *testing.T) {
	w, hook, slack := newWorld(t), newTold(t), newTold(t)
	specs := Notices(&config.Approvals{
		Webhook: &config.Message{URL: hook.URL, Secret: secretFile(t, testSecret)},
		Slack:   &config.Message{Where: secretFile(t, slack.URL)},
	}, Env{Getenv: os.Getenv})
	w.calls(0, 20)
	w.decided(time.Now(), "write<!channel>\u202e", "security", "webhook", "slack")
	w.decided(time.Now(), "quiet", "security")
	for _, spec := range specs {
		if err := w.ship(spec, nil); err != nil {
			t.Fatal(err)
		}
	}
	if len(hook.bodies) != 1 || len(slack.bodies) != 1 {
		t.Fatalf("%d and %d messages", len(hook.bodies), len(slack.bodies))
	}
	if err := post.Verify(testSecret, hook.headers[0], []byte(hook.bodies[0]), time.Now()); err != nil {
		t.Error(err)
	}
	var m struct {
		Type string
		Data Notice
	}
	if err := json.Unmarshal([]byte(hook.bodies[0]), &m); err != nil {
		t.Fatal(err)
	}
	m.Data.Time = time.Time{}
	want := Notice{
		Instance: testInstance, ID: m.Data.ID, Decision: "deny", Reason: "rule_denied", Rule: "stay", Backend: "files", Method: "tools/call",
		Tool: `write<!channel>\u202e`, Command: "custos why " + m.Data.ID,
	}
	if m.Type != "custos.notice" || m.Data != want || m.Data.ID == "" {
		t.Errorf("%+v", m)
	}
	for _, body := range []string{hook.bodies[0], slack.bodies[0]} {
		if strings.Contains(body, "agent") || strings.Contains(body, "os:dev") || strings.Contains(body, "\u202e") {
			t.Errorf("%s", body)
		}
	}
	if !strings.Contains(slack.bodies[0], `&lt;!channel&gt;`) && !strings.Contains(slack.bodies[0], `\u0026lt;!channel\u0026gt;`) {
		t.Errorf("%s", slack.bodies[0])
	}
}

// What becomes of a lease whose entry of break_glass names a channel is told
// there, with what to do.
func TestNoticesOfLeases(t *testing.T) {
	w, hook := newWorld(t), newTold(t)
	spec := Notices(&config.Approvals{Webhook: &config.Message{URL: hook.URL, Secret: secretFile(t, testSecret)}}, Env{Getenv: os.Getenv})[0]
	for _, r := range []audit.Record{
		{Rule: "break_glass.incident", Detail: "purpose of a person", Notify: []string{"webhook"}, Approval: &audit.Approval{ID: "a_5", State: "requested"}},
		{Rule: "break_glass.incident", Notify: []string{"webhook"}, Lease: "l_2", Approval: &audit.Approval{ID: "a_5", State: "granted", By: "os:ann"}},
		{Rule: "writes", Lease: "l_3", Approval: &audit.Approval{ID: "a_6", State: "granted"}},
	} {
		r.Kind = audit.KindLease
		if a := w.log(0).Append(r); a.Wait() != nil {
			t.Fatal(a.Wait())
		}
	}
	if err := w.ship(spec, nil); err != nil {
		t.Fatal(err)
	}
	want := []string{`"decision":"requested","reason":"","rule":"break_glass.incident"`, `"decision":"granted"`}
	commands := []string{"custos approvals allow a_5", "custos leases list --all"}
	if len(hook.bodies) != len(want) {
		t.Fatalf("%d messages: %s", len(hook.bodies), hook.bodies)
	}
	for i, body := range hook.bodies {
		if !strings.Contains(body, want[i]) || !strings.Contains(body, commands[i]) || strings.Contains(body, "person") || strings.Contains(body, "os:ann") {
			t.Errorf("%s", body)
		}
	}
}

// A receiver that is down is told later, and of nothing twice under another id;
// what it refuses for good is dropped, and what is old is not told at all.
func TestNoticesThatDoNotArrive(t *testing.T) {
	w, hook := newWorld(t), newTold(t)
	spec := Notices(&config.Approvals{Webhook: &config.Message{URL: hook.URL, Secret: secretFile(t, testSecret)}}, Env{Getenv: os.Getenv})[0]
	w.decided(time.Now(), "write", "webhook")
	hook.status = http.StatusServiceUnavailable
	if err := w.ship(spec, nil); err == nil {
		t.Error("told a receiver that is down")
	}
	hook.status = http.StatusOK
	if err := w.ship(spec, nil); err != nil {
		t.Fatal(err)
	}
	if n := len(hook.bodies); n < 2 || hook.headers[0].Get("Webhook-Id") != hook.headers[n-1].Get("Webhook-Id") {
		t.Errorf("%d messages", n)
	}
	seen := len(hook.bodies)
	hook.status = http.StatusNotFound
	w.decided(time.Now(), "write", "webhook")
	w.decided(time.Now(), "write", "webhook")
	board := NewBoard()
	if err := w.ship(spec, board); err != nil {
		t.Fatal(err)
	}
	if len(hook.bodies) != seen+2 {
		t.Errorf("%d messages", len(hook.bodies)-seen)
	}
	if stats := board.Stats(); len(stats) != 1 || stats[0].Dropped != 2 {
		t.Errorf("%+v", stats)
	}
	n := &notices{channel: "webhook", now: func() time.Time { return time.Now().Add(2 * time.Hour) }}
	err := n.Deliver(t.Context(), []Event{{Record: audit.Record{Kind: audit.KindAdmission, Time: time.Now(), Notify: []string{"webhook"}}}})
	if err != nil { // it would have nothing to send with
		t.Error(err)
	}
}
