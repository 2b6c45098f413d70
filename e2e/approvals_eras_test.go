package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/custos-zt/custos/e2e/client"
	"github.com/custos-zt/custos/e2e/peers"
)

// eras are the two protocols, by the revision that a client offers.
func eras() map[string]string { return map[string]string{"legacy": "2025-11-25", "modern": ""} }

const (
	refusedByPerson = "Custos denied server.test_simple_text: a person refused this call."
	// notInTime is said where nobody answered, with the id of what waits on.
	notInTime = "not approved in 1 s: Tell the person; when they allow a_1"
)

// A real client in either era puts a held call to its user.
func TestElicitation(t *testing.T) {
	t.Parallel()
	for era, version := range eras() {
		for _, c := range []struct {
			action, wait string
			want         []string
		}{
			{"accept", "5m", []string{"simple text"}},
			{"decline", "5m", []string{refusedByPerson}},
			// Within two seconds it is nobody's; a machine that stalls longer makes it
			// a refusal.
			{"cancel", "1s", []string{notInTime, refusedByPerson}},
		} {
			t.Run(era+"/"+c.action, func(t *testing.T) {
				t.Parallel()
				l := newOffice(t, asks, c.wait)
				sdk := client.Connect(t, l.guarding(peers.Modern(t)), client.Settings{Version: version, Elicit: &mcp.ElicitResult{Action: c.action}})
				text, failed := sdk.Text(t, "test_simple_text", nil)
				if failed != (c.action != "accept") || !holdsOne(text, c.want) {
					t.Errorf("%q, an error: %v", text, failed)
				}
				if n := questions(sdk); n != 1 {
					t.Errorf("the user was asked %d times: %v", n, sdk.Events())
				}
			})
		}
	}
}

func holdsOne(text string, want []string) bool {
	for _, w := range want {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}

// questions counts how often a client's user was asked about the rule.
func questions(sdk *client.SDK) int {
	n := 0
	for _, e := range sdk.Events() {
		if e.Method == "elicitation/create" && strings.Contains(e.Params, "why: rule asked") {
			n++
		}
	}
	return n
}

// A user who never answers lets nothing pass. In the older era the call waits
// for so long; in the stateless one the client holds the question, and what was
// asked stays open when it gives up.
func TestNobodyAnswersTheForm(t *testing.T) {
	t.Parallel()
	for era, version := range eras() {
		t.Run(era, func(t *testing.T) {
			t.Parallel()
			l := newOffice(t, asks, "1s")
			sdk := client.Connect(t, l.guarding(peers.Modern(t)), client.Settings{Version: version, Silent: true})
			ctx, giveUp := context.WithCancel(t.Context())
			defer giveUp()
			if era == "modern" {
				go func() {
					defer giveUp()
					for deadline := time.Now().Add(client.Patience); questions(sdk) == 0 && time.Now().Before(deadline); {
						time.Sleep(20 * time.Millisecond)
					}
				}()
			}
			r, err := sdk.CallTool(ctx, &mcp.CallToolParams{Name: "test_simple_text"})
			switch {
			case era == "modern" && err == nil:
				t.Errorf("answered: %v", r)
			case era == "legacy" && (err != nil || !r.IsError || !strings.Contains(said(r), notInTime)):
				t.Errorf("%v, %v", r, err)
			}
			if list := l.list(); len(list) != 1 || list[0].State != "pending" || questions(sdk) != 1 {
				t.Errorf("%+v after %d questions", list, questions(sdk))
			}
		})
	}
}

// A client that shows no forms has its calls answered by the command line, or by
// nobody.
func TestWithoutForms(t *testing.T) {
	t.Parallel()
	for era, version := range eras() {
		for _, c := range []struct{ verb, wait, want string }{
			{"allow", "5m", "simple text"},
			{"deny", "5m", refusedByPerson},
			{"", "1s", notInTime},
		} {
			t.Run(era+"/"+c.verb, func(t *testing.T) {
				t.Parallel()
				l := newOffice(t, asks, c.wait)
				sdk := client.Connect(t, l.guarding(peers.Modern(t)), client.Settings{Version: version, NoForms: true})
				answered := make(chan error, 1)
				go func() { // t.Fatal is not for other goroutines
					if c.verb == "" {
						answered <- nil
						return
					}
					answered <- l.answerFirst(c.verb)
				}()
				text, failed := sdk.Text(t, "test_simple_text", nil)
				if err := <-answered; err != nil {
					t.Error(err)
				}
				if failed != (c.verb != "allow") || !strings.Contains(text, c.want) {
					t.Errorf("%q, an error: %v", text, failed)
				}
			})
		}
	}
}

// answerFirst answers the first call of an office as soon as it is held.
func (l *office) answerFirst(verb string) error {
	for deadline := time.Now().Add(client.Patience); ; time.Sleep(50 * time.Millisecond) {
		out, err := l.approvals(verb, "a_1")
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: %w", out, err)
		}
	}
}
