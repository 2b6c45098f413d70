package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/config"
	"github.com/custos-zt/custos/internal/state"
	"github.com/custos-zt/custos/internal/term"
)

func (a *app) auditSealCommand() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "seal [--reason TEXT] [SLOT…]",
		Short: "Close the chains that no process writes: exit 10 where one was tampered with",
		Long: `Close the chains of processes that are gone, without starting a server. What
they left open is recorded as their next writer would record it: a torn tail, a
log that failed, calls whose end nobody saw. A seal record with the reason ends
the chain and its head is signed, so that it can be archived. Nothing is repaired.
A chain that is sealed can go on later, in a new segment. Chains of running
processes are left alone.

  custos audit seal --reason "moved to another machine"`,
		RunE: func(_ *cobra.Command, args []string) error { return a.seal(reason, args) },
	}
	cmd.Flags().StringVar(&reason, "reason", "", "`text` for the record")
	return cmd
}

// sealReport is `audit seal --json`.
type sealReport struct {
	Sealed []sealedChain `json:"sealed"`
	Held   []int         `json:"held"` // slots of running processes
}

// sealedChain is one chain in it.
type sealedChain struct {
	Slot    int      `json:"slot"`
	Records uint64   `json:"records"`
	Already bool     `json:"already"`
	Found   []string `json:"found"` // what was recorded of the last process
}

func (a *app) seal(reason string, args []string) error {
	conf, err := a.config()
	if err != nil {
		return err
	}
	var slots []int
	for _, arg := range args {
		n, err := strconv.Atoi(arg)
		if err != nil || n < 0 || n >= audit.MaxSlots {
			return usage(fmt.Sprintf("%q is no slot", arg), "a slot is a number, as custos audit verify prints it")
		}
		slots = append(slots, n)
	}
	dir, err := a.openToSeal(conf)
	if err != nil {
		return err
	}
	done, held, err := dir.SealLog(state.SealOptions{Slots: slots, Reason: reason, Secondary: conf.Audit.Secondary})
	if perr := a.printSealed(done, held); err == nil && perr != nil {
		err = perr
	}
	switch {
	case errors.Is(err, audit.ErrTampered):
		return &Error{Code: ExitEvidence, Text: err.Error(), Hint: "custos audit verify names the first bad record", Err: err}
	case errors.Is(err, audit.ErrFailed):
		return &Error{Code: ExitEvidence, Text: err.Error(), Hint: "check the disk, then run it again", Err: err}
	case errors.Is(err, audit.ErrNotFound):
		return failure(err, "custos audit verify lists the slots")
	case err != nil:
		return failure(err, "")
	case len(slots) > 0 && len(held) > 0:
		return &Error{Code: ExitFailure, Text: fmt.Sprintf("a running process writes slot %s", audit.SlotName(held[0])), Hint: "end it first; custos status lists the running processes"}
	}
	return nil
}

// openToSeal opens the state directory, and makes none.
func (a *app) openToSeal(conf config.Config) (*state.Dir, error) {
	path, err := a.statePath(conf)
	if err != nil {
		return nil, failure(err, "name the directory: --state DIR")
	}
	if _, err := state.PublicKeys(path); errors.Is(err, fs.ErrNotExist) {
		return nil, &Error{Code: ExitCannotVerify, Text: "there is no log in " + path, Hint: "name the state directory: custos audit seal --state DIR"}
	}
	dir, err := state.OpenWith(path, stateOptions(conf, path))
	if err != nil {
		return nil, failure(err, "")
	}
	return dir, nil
}

// printSealed says what was done.
func (a *app) printSealed(done []audit.Sealed, held []int) error {
	report := sealReport{Sealed: []sealedChain{}, Held: append([]int{}, held...)}
	for i := range done {
		c := sealedChain{Slot: done[i].Slot, Records: done[i].Head.Seq, Already: done[i].Already, Found: []string{}}
		for j := range done[i].Found {
			c.Found = append(c.Found, describeFound(&done[i].Found[j]))
		}
		report.Sealed = append(report.Sealed, c)
	}
	if a.json {
		return json.NewEncoder(a.Out).Encode(report)
	}
	for _, c := range report.Sealed {
		word := "sealed"
		if c.Already {
			word = "was sealed before"
		}
		fmt.Fprintf(a.Out, "slot %s  %s, %d records\n", audit.SlotName(c.Slot), word, c.Records)
		for _, f := range c.Found {
			fmt.Fprintf(a.Out, "         %s\n", term.Escape(f))
		}
	}
	for _, n := range held {
		fmt.Fprintf(a.Out, "slot %s  left alone: a running process writes it\n", audit.SlotName(n))
	}
	return nil
}

// describeFound says in one line what was recorded.
func describeFound(r *audit.Record) string {
	switch {
	case r.Kind == audit.KindOutcomeUnknown:
		return "outcome_unknown " + audit.FormatID(r.Slot, r.Admission)
	case r.Kind == audit.KindTornTail:
		return fmt.Sprintf("torn_tail: %d bytes after a crash", r.Cut)
	case r.Detail != "":
		return string(r.Kind) + ": " + r.Detail
	default:
		return string(r.Kind)
	}
}
