package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/admin"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/ask"
)

// clerk remembers what was said.
type clerk struct{ said []admin.Answer }

func (c *clerk) Approvals(context.Context, bool) ([]*ask.View, error) { return nil, nil }

func (c *clerk) Approval(_ context.Context, id string) (*ask.View, error) {
	return &ask.View{ID: id, State: access.ApprovalOpen}, nil
}

func (c *clerk) Answer(_ context.Context, id string, a admin.Answer) (*ask.View, error) {
	c.said = append(c.said, a)
	return &ask.View{ID: id, State: access.ApprovalAllowed, Lease: "l_1"}, nil
}

// Who watches is offered an answer that stands where the rules let it, and chooses
// how far.
func TestWatchingLetsAnAnswerStand(t *testing.T) {
	far := []approval.Candidate{{Name: "same", Text: "no arguments"}, {Name: "any", Text: "any arguments"}}
	for _, c := range []struct {
		typed    string
		standing []approval.Candidate
		said     []admin.Answer
	}{
		{"s 2", far, []admin.Answer{{Allow: true, Standing: "any"}}},
		{"s same", far, []admin.Answer{{Allow: true, Standing: "same"}}},
		{"s 7 a", far, []admin.Answer{{Allow: true}}},
		{"s - d", far, []admin.Answer{{}}},
		{"s", nil, nil}, // nothing to choose from: later
		{"? a", nil, []admin.Answer{{Allow: true}}},
	} {
		var out bytes.Buffer
		lines := make(chan string, 8)
		for _, l := range strings.Fields(c.typed) {
			lines <- strings.TrimPrefix(l, "-")
		}
		at := &clerk{}
		w := &vigil{app: &app{Streams: Streams{Out: &out}}, at: at, shown: map[string]access.ApprovalState{}, lines: lines}
		if err := w.prompt(t.Context(), &ask.View{ID: "a_1", Standing: c.standing}); err != nil {
			t.Errorf("%s: %v", c.typed, err)
		}
		if d := cmp.Diff(c.said, at.said); d != "" {
			t.Errorf("%s: %s", c.typed, d)
		}
		if got := strings.Contains(out.String(), "[s]tanding…"); got != (c.standing != nil) {
			t.Errorf("%s: %s", c.typed, out.String())
		}
	}
}
