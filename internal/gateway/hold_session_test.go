package gateway_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/approval/book"
	"github.com/custos-zt/custos/internal/ask"
	"github.com/custos-zt/custos/internal/engine"
)

// settings are the lines of a dialogue's part `options`.
type settings struct {
	errorDenials bool
	// approvals says that people can be asked; a held call waits this long.
	approvals bool
	wait      time.Duration
	// channels are the ways to ask them.
	channels []string
}

func readSettings(t *testing.T, text string) settings {
	t.Helper()
	var o settings
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "denials":
			o.errorDenials = value == "error"
		case "approvals":
			wait, err := time.ParseDuration(value)
			if err != nil {
				t.Fatal(err)
			}
			o.approvals, o.wait, o.channels = true, wait, []string{"cli"}
		case "channels":
			o.channels = strings.Fields(value)
		default:
			t.Fatalf("what is %q?", line)
		}
	}
	return o
}

// asking makes people of the session who can be asked, with the bubble's clock.
func (s *session) asking(ev *engine.Evidence, o *engine.Options, set settings) {
	if !set.approvals {
		return
	}
	began := time.Now()
	person := func() approval.Person { return approval.Person{ID: "os:dev"} }
	key := func() [32]byte { return [32]byte{9} }
	s.desk = ask.NewDesk(ask.Options{Evidence: ev.Log, Isolation: engine.Isolation, Person: person, Key: key, Open: func() (*book.Book, error) {
		path, err := ev.Dir.Database()
		if err != nil {
			return nil, err
		}
		return book.Open(book.Options{Path: path, Clock: func() approval.Moment {
			return approval.Moment{Wall: time.Now(), Since: time.Since(began), Boot: "bubble"}
		}})
	}})
	o.Approvals, o.Wait, o.Root = s.desk, set.wait, "/home/dev/app"
}

// bell is a channel that only tells people.
type bell struct {
	of   *session
	name string
}

func (b bell) Name() string { return b.name }

func (b bell) Inform(id string) { b.of.notice(b.name + " " + id) }

// person answers a request.
func (s *session) person(t *testing.T, words string) {
	t.Helper()
	verb, id, _ := strings.Cut(words, " ")
	_, err := s.desk.Answer(t.Context(), id, approval.Vote{
		Answer: access.Answer{Allow: verb == "allow", By: "os:ann", Channel: "cli", Assurance: string(approval.Host)},
	})
	if err != nil {
		s.notice("the answer does not count: " + err.Error())
	}
}

// state matches what ties a question to its answer in the stateless era. The
// n-th that appears is custos1.STATE-n.
var state = regexp.MustCompile(`custos1\.[A-Za-z0-9_-]+`)

// unmaskStates puts the real states into what a client says.
func (s *session) unmaskStates(frame string) string {
	for i, real := range s.states {
		frame = strings.ReplaceAll(frame, fmt.Sprintf(`custos1.STATE-%d"`, i+1), real+`"`)
	}
	return frame
}

// maskStates numbers the states.
func (s *session) maskStates(frame string) string {
	return state.ReplaceAllStringFunc(frame, func(real string) string {
		if !slices.Contains(s.states, real) {
			s.states = append(s.states, real)
		}
		return fmt.Sprintf("custos1.STATE-%d", slices.Index(s.states, real)+1)
	})
}

// approvalLine describes an approval record.
func approvalLine(r *audit.Record) string {
	a := r.Approval
	line := fmt.Sprintf("%s %s %s %s %s %s", a.ID, a.State, r.Decision, r.Reason, r.Rule, a.By)
	return strings.TrimSpace(line)
}
