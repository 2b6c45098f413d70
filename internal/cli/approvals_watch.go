package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/admin"
	"github.com/custos-zt/custos/internal/ask"
	"github.com/custos-zt/custos/internal/term"
)

// watchEvery is how often the book is looked at.
const watchEvery = 250 * time.Millisecond

func (a *app) approvalsWatchCommand() *cobra.Command {
	return &cobra.Command{
		Use: "watch", Short: "Show held calls as they come, and ask about them", Args: cobra.NoArgs,
		Long: `Show the calls that wait for an answer, of every guard, as they are held. On a
terminal each is asked about; otherwise they are only printed, with --json one
object a line.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := a.watchApprovals(cmd.Context())
			if errors.Is(err, context.Canceled) {
				return nil // somebody ended it
			}
			return err
		},
	}
}

// vigil is one `approvals watch`.
type vigil struct {
	app   *app
	at    answering // nil: nothing was held yet, or who was asked is gone
	leave func()
	shown map[string]access.ApprovalState
	lines <-chan string // what a person types; nil without a terminal
}

func (a *app) watchApprovals(ctx context.Context) error {
	w := &vigil{app: a, shown: map[string]access.ApprovalState{}}
	if in, ok := a.In.(*os.File); ok && !a.json && term.IsTerminal(in) {
		w.lines = typed(in)
	}
	defer w.away()
	ticks := time.NewTicker(watchEvery)
	defer ticks.Stop()
	for {
		if err := w.round(ctx); gone(err) {
			w.away() // somebody else answers in the next round
		} else if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticks.C:
		}
	}
}

// away lets go of who was asked.
func (w *vigil) away() {
	if w.at != nil {
		w.leave()
		w.at = nil
	}
}

// typed reads the lines that a person types.
func typed(in io.Reader) <-chan string {
	out := make(chan string)
	go func() {
		defer close(out)
		for s := bufio.NewScanner(in); s.Scan(); {
			out <- s.Text()
		}
	}()
	return out
}

// round shows what is new and what was answered elsewhere.
func (w *vigil) round(ctx context.Context) error {
	if w.at == nil {
		o, leave, err := w.app.operator(ctx)
		if errors.Is(err, errNoBook) {
			return nil // not yet
		}
		if err != nil {
			return err
		}
		w.at, w.leave = o, leave
	}
	open, err := w.at.Approvals(ctx, false)
	if err != nil {
		return failure(err, "")
	}
	for _, v := range open {
		if _, known := w.shown[v.ID]; known {
			continue
		}
		w.shown[v.ID] = access.ApprovalOpen
		if err := w.show(ctx, v); err != nil {
			return err
		}
	}
	return w.settled(ctx, open)
}

// settled tells what became of what was shown and is not open any more.
func (w *vigil) settled(ctx context.Context, open []*ask.View) error {
	for _, id := range slices.Sorted(maps.Keys(w.shown)) {
		if w.shown[id] != access.ApprovalOpen || slices.ContainsFunc(open, func(v *ask.View) bool { return v.ID == id }) {
			continue
		}
		v, err := w.at.Approval(ctx, id)
		if err != nil {
			return failure(err, "")
		}
		if v.State == access.ApprovalOpen {
			continue
		}
		w.shown[id] = v.State
		if w.app.json {
			if err := json.NewEncoder(w.app.Out).Encode(v); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(w.app.Out, "%s  %s\n", v.ID, standing(v, time.Now()))
	}
	return nil
}

func (w *vigil) show(ctx context.Context, v *ask.View) error {
	if w.app.json {
		return json.NewEncoder(w.app.Out).Encode(v)
	}
	w.app.printView(v, time.Now())
	if w.lines == nil {
		return nil
	}
	return w.prompt(ctx, v)
}

// prompt asks the person at the terminal until there is an answer, here or
// elsewhere.
func (w *vigil) prompt(ctx context.Context, v *ask.View) error {
	ticks := time.NewTicker(watchEvery)
	defer ticks.Stop()
	ways := "  [a]llow once  [d]eny  [?] why  [enter] later: "
	if len(v.Standing) > 0 {
		ways = "  [a]llow once  [s]tanding…  [d]eny  [?] why  [enter] later: "
	}
	for {
		fmt.Fprint(w.app.Out, ways)
		line, err := w.line(ctx, v, ticks.C)
		if err != nil {
			return err
		}
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "a", "allow":
			return w.answer(ctx, v, admin.Answer{Allow: true})
		case "d", "deny":
			return w.answer(ctx, v, admin.Answer{})
		case "s", "standing":
			if len(v.Standing) == 0 {
				return nil
			}
			chosen, err := w.howFar(ctx, v, ticks.C)
			if err != nil {
				return err
			}
			if chosen != "" {
				return w.answer(ctx, v, admin.Answer{Allow: true, Standing: chosen})
			}
		case "?", "why":
			fmt.Fprintf(w.app.Out, "  %s\n", v.Why())
		default:
			return nil
		}
	}
}

// line waits for a line, or for an answer from elsewhere, which is "".
func (w *vigil) line(ctx context.Context, v *ask.View, ticks <-chan time.Time) (string, error) {
	for {
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case line, open := <-w.lines:
			if !open {
				return "", context.Canceled
			}
			return line, nil
		case <-ticks:
			if now, err := w.at.Approval(ctx, v.ID); err != nil || now.State != access.ApprovalOpen {
				fmt.Fprintln(w.app.Out)
				return "", err
			}
		}
	}
}

// answer counts the answer of somebody who saw the request as it is shown.
func (w *vigil) answer(ctx context.Context, v *ask.View, said admin.Answer) error {
	if said.Allow && v.Hidden {
		said.AcceptRisk = admin.HiddenCharacters
	}
	now, err := w.at.Answer(ctx, v.ID, said)
	if err != nil {
		fmt.Fprintf(w.app.Out, "  %s\n", term.Escape(notCounted(v.ID, err).Error()))
		return nil
	}
	w.shown[v.ID] = now.State
	fmt.Fprintln(w.app.Out, led(now))
	return nil
}
