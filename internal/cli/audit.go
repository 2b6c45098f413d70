package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/audit/witness"
	"github.com/custos-zt/custos/internal/term"
)

func (a *app) auditCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Verify, search, review and export the log",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.auditVerifyCommand(), a.auditShowCommand(), a.auditExportCommand(), a.auditShipCommand(), a.auditSinksCommand(), a.auditCheckpointCommand(), a.auditProveCommand(), a.auditCheckCommand(), a.auditSealCommand(), a.auditKeyCommand(),
		a.auditQueryCommand(), a.auditReindexCommand(), a.auditStatsCommand(), a.auditReviewCommand())
	cmd.AddCommand(a.auditWitnessCommand(), a.auditSchemaCommand(), a.auditPseudonymCommand())
	return cmd
}

// logDir returns the directory of the log. Reading creates nothing.
func (a *app) logDir() (string, error) {
	conf, err := a.config()
	if err != nil {
		return "", err
	}
	dir, err := a.statePath(conf)
	if err != nil {
		return "", failure(err, "name the directory: --state DIR")
	}
	return filepath.Join(dir, "log"), nil
}

func (a *app) auditVerifyCommand() *cobra.Command {
	var since, key string
	var w witnessFlags
	cmd := &cobra.Command{
		Use:   "verify [--since FILE] [--key FILE] [--require-witness]",
		Short: "Check the whole log: exit 0 intact, 10 tampered, 17 cannot verify",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.verify(cmd.Context(), since, key, w) },
	}
	cmd.Flags().StringVar(&since, "since", "", "a `file` that custos audit checkpoint wrote earlier, kept elsewhere")
	cmd.Flags().StringVar(&key, "key", "", "a `file` that custos audit key publish wrote; default: the key of the state directory")
	w.add(cmd)
	return cmd
}

// verifyReport is `audit verify --json`.
type verifyReport struct {
	Verdict string `json:"verdict"` // intact, tampered, cannot_verify
	audit.Report
}

func (a *app) verify(ctx context.Context, since, key string, w witnessFlags) error {
	dir, err := a.logDir()
	if err != nil {
		return err
	}
	opt, err := a.verifyOptions(dir, since, key)
	if err == nil {
		err = a.askWitnesses(ctx, dir, w, &opt)
	}
	if changed := new(witness.Refusal); errors.As(err, &changed) && changed.Changed {
		return a.witnessDisagrees(changed)
	}
	if err != nil {
		return a.cannotVerify(err)
	}
	report, err := audit.Verify(dir, opt)
	if err == nil && len(report.Slots) == 0 {
		err = fmt.Errorf("there is no log in %s", dir)
	}
	if err != nil {
		return a.cannotVerify(err)
	}
	out := verifyReport{Verdict: "intact", Report: report}
	if report.Tampered() {
		out.Verdict = "tampered"
	}
	if a.json {
		if err := json.NewEncoder(a.Out).Encode(out); err != nil {
			return failure(err, "")
		}
	} else {
		a.printVerify(&report)
	}
	if report.Tampered() {
		return status(ExitEvidence)
	}
	return nil
}

// cannotVerify says that there is no finding.
func (a *app) cannotVerify(err error) error {
	if a.json {
		_ = json.NewEncoder(a.Out).Encode(verifyReport{Verdict: "cannot_verify"})
	}
	return &Error{Code: ExitCannotVerify, Text: plainError(err), Hint: "name the state directory: custos audit verify --state DIR"}
}

func (a *app) printVerify(r *audit.Report) {
	p := a.paint()
	for i := range r.Slots {
		s := &r.Slots[i]
		state := p.Paint(term.Green, "intact")
		if s.Bad != nil {
			state = p.Paint(term.Red, "TAMPERED")
		}
		fmt.Fprintf(a.Out, "slot %02d  %s  %d records in %d segments%s\n", s.Slot, state, s.Records, s.Segments, remarks(s))
		if s.Bad != nil {
			fmt.Fprintf(a.Out, "         first bad record: %d:%d  %s\n         %s at byte %d\n",
				s.Bad.Slot, s.Bad.Seq, term.Escape(s.Bad.What), term.Escape(s.Bad.File), s.Bad.Offset)
		}
	}
	if r.Tampered() {
		fmt.Fprintln(a.Out, "the log was changed: what follows the first bad record of a slot proves nothing")
		return
	}
	fmt.Fprintf(a.Out, "%s, %d records\n", r.Scope, r.Records())
	if n := r.NotCheckpointed(); n > 0 {
		fmt.Fprintf(a.Out, "not_checkpointed: %d records are behind the newest signed checkpoint\n", n)
	}
	fmt.Fprintf(a.Out, "tail_unproven: %d records are not covered by a head from outside of this machine\n", r.TailUnproven())
}

// remarks names what a reader should know of an intact chain.
func remarks(s *audit.SlotReport) string {
	out := ""
	if s.Live {
		out += ", being written"
	}
	if s.Expired > 0 {
		out += fmt.Sprintf(", 1 to %d expired", s.Expired)
	}
	if s.Sealed {
		out += ", sealed"
	}
	if s.TornTail > 0 {
		out += fmt.Sprintf(", torn tail of %d bytes after a crash", s.TornTail)
	}
	for _, seq := range s.OutcomeUnknown {
		out += ", outcome_unknown " + audit.FormatID(s.Slot, seq)
	}
	if s.Failed != nil {
		out += ", the log failed: " + term.Escape(s.Failed.Error)
	}
	return out
}

func plainError(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "there is no log: " + err.Error()
	}
	return err.Error()
}
