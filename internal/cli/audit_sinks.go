package cli

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/sink"
	"github.com/custos-zt/custos/internal/state"
	"github.com/custos-zt/custos/internal/term"
)

func (a *app) auditSinksCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "sinks",
		Short: "Show how far each sink came",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return a.auditSinks() },
	}
}

// sinkState is one sink of `audit sinks --json`.
type sinkState struct {
	ID      string `json:"id"`
	Begun   bool   `json:"begun"`
	Behind  uint64 `json:"behind"` // records that wait
	Problem string `json:"problem,omitempty"`
}

func (a *app) auditSinks() error {
	conf, err := a.config()
	if err != nil {
		return err
	}
	dir, err := a.openState(conf)
	if err != nil {
		return err
	}
	end, err := audit.End(dir.LogDir())
	if err != nil {
		return &Error{Code: ExitCannotVerify, Text: plainError(err), Hint: "custos audit verify"}
	}
	list := []sinkState{}
	for _, spec := range receivers(conf, sink.Env{}) {
		list = append(list, stateOf(spec, dir, end))
	}
	if a.json {
		return json.NewEncoder(a.Out).Encode(list)
	}
	for _, s := range list {
		switch {
		case s.Problem != "":
			fmt.Fprintf(a.Out, "%-14s %s\n", s.ID, term.Escape(s.Problem))
		case !s.Begun:
			fmt.Fprintf(a.Out, "%-14s has not begun\n", s.ID)
		default:
			fmt.Fprintf(a.Out, "%-14s %d records behind\n", s.ID, s.Behind)
		}
	}
	unlock, err := dir.LockSinks()
	switch {
	case err == nil:
		unlock()
		fmt.Fprintln(a.Out, "nobody ships now; see: custos audit ship --help")
	case errors.Is(err, state.ErrShipping):
		fmt.Fprintln(a.Out, "a process of this state directory ships")
	default:
		return failure(err, "")
	}
	return nil
}

// stateOf compares the cursor of a sink with the end of the log.
func stateOf(spec sink.Spec, dir *state.Dir, end audit.Position) sinkState {
	s := sinkState{ID: spec.Name}
	cur, found, err := sink.LoadCursor(dir, spec.Name, dir.Instance())
	if err != nil {
		s.Problem = err.Error()
		return s
	}
	s.Begun = found
	if !found && spec.FromEnd {
		return s
	}
	for slot, seq := range end {
		s.Behind += seq - min(seq, cur.Slots[slot].Seq)
	}
	return s
}
