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
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/approval/book"
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
	at    *counter
	shown map[int64]access.ApprovalState
	lines <-chan string // what a person types; nil without a terminal
}

func (a *app) watchApprovals(ctx context.Context) error {
	w := &vigil{app: a, shown: map[int64]access.ApprovalState{}}
	if in, ok := a.In.(*os.File); ok && !a.json && term.IsTerminal(in) {
		w.lines = typed(in)
	}
	defer func() {
		if w.at != nil {
			_ = w.at.Close() // the answers were recorded
		}
	}()
	ticks := time.NewTicker(watchEvery)
	defer ticks.Stop()
	for {
		if err := w.round(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticks.C:
		}
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
		c, err := w.app.counter()
		if errors.Is(err, errNoBook) {
			return nil // not yet
		}
		if err != nil {
			return err
		}
		w.at = c
	}
	items, err := w.at.book.Open(ctx)
	if err != nil {
		return failure(err, "")
	}
	for i := range items {
		if _, known := w.shown[items[i].Number]; known {
			continue
		}
		w.shown[items[i].Number] = access.ApprovalOpen
		if err := w.show(ctx, &items[i]); err != nil {
			return err
		}
	}
	return w.settled(ctx)
}

// settled tells what became of what was shown.
func (w *vigil) settled(ctx context.Context) error {
	for _, n := range slices.Sorted(maps.Keys(w.shown)) {
		if w.shown[n] != access.ApprovalOpen {
			continue
		}
		it, err := w.at.book.Get(ctx, n)
		if err != nil {
			return failure(err, "")
		}
		if it.State == access.ApprovalOpen {
			continue
		}
		w.shown[n] = it.State
		v, err := w.at.Look(ctx, &it)
		if err != nil {
			return failure(err, "")
		}
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

func (w *vigil) show(ctx context.Context, it *book.Item) error {
	v, err := w.at.Look(ctx, it)
	if err != nil {
		return failure(err, "")
	}
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
	for {
		fmt.Fprint(w.app.Out, "  [a]llow once  [d]eny  [?] why  [enter] later: ")
		line, err := w.line(ctx, v, ticks.C)
		if err != nil {
			return err
		}
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "a", "allow":
			return w.answer(ctx, v, true)
		case "d", "deny":
			return w.answer(ctx, v, false)
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
			if state, err := w.at.State(ctx, v.ID); err != nil || state != access.ApprovalOpen {
				fmt.Fprintln(w.app.Out)
				return "", err
			}
		}
	}
}

func (w *vigil) answer(ctx context.Context, v *ask.View, allow bool) error {
	it, err := w.at.answer(ctx, v.ID, allow, approval.Host)
	if err != nil {
		fmt.Fprintf(w.app.Out, "  %s\n", term.Escape(notCounted(v.ID, err).Error()))
		return nil
	}
	if v, err = w.at.Look(ctx, &it); err != nil {
		return failure(err, "")
	}
	w.shown[it.Number] = it.State
	fmt.Fprintln(w.app.Out, led(v))
	return nil
}
