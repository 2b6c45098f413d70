package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/term"
)

func (a *app) auditProveCommand() *cobra.Command {
	var out, key string
	cmd := &cobra.Command{
		Use:   "prove ID -o FILE",
		Short: "Write the proof of one call, which can be checked without the log",
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || out == "" {
				return usage("prove takes one record id and a file to write", "custos audit prove d_7F3K -o d_7F3K.proof")
			}
			return a.prove(args[0], out, key)
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "the `file` to write; - is standard output")
	cmd.Flags().StringVar(&key, "key", "", "a `file` that custos audit key publish wrote; default: the key of the state directory")
	return cmd
}

func (a *app) prove(id, out, keyFile string) error {
	dir, err := a.logDir()
	if err != nil {
		return err
	}
	keys, err := a.logKeys(dir, keyFile)
	if err == nil && keys.IsZero() {
		err = errors.New("there is no key beside this log")
	}
	if err != nil {
		return &Error{Code: ExitCannotVerify, Text: err.Error(), Hint: "custos audit key publish -o custos.pub, then prove … --key custos.pub"}
	}
	data, err := audit.Prove(dir, id, keys)
	switch {
	case errors.Is(err, audit.ErrTampered):
		return &Error{Code: ExitEvidence, Text: err.Error(), Hint: "custos audit verify names the first bad record"}
	case errors.Is(err, audit.ErrCannotVerify):
		return &Error{Code: ExitCannotVerify, Text: err.Error(), Hint: "a log is signed every second while it grows, and when it is closed"}
	case err != nil:
		return &Error{Code: ExitFailure, Text: plainError(err), Hint: "custos tail and custos audit export list the ids"}
	}
	return a.writeOut(out, data)
}

func (a *app) auditCheckCommand() *cobra.Command {
	var keyFile string
	cmd := &cobra.Command{
		Use:   "check FILE [--key FILE]",
		Short: "Check the proof of one call: exit 0 holds, 10 does not, 17 cannot verify",
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("check takes one file that custos audit prove wrote", "custos audit check d_7F3K.proof --key custos.pub")
			}
			return a.checkProof(args[0], keyFile)
		},
	}
	cmd.Flags().StringVar(&keyFile, "key", "", "a `file` that custos audit key publish wrote; default: the key in the proof")
	return cmd
}

// proofReport is `audit check --json`.
type proofReport struct {
	Verdict     string            `json:"verdict"` // holds, false, cannot_verify
	Instance    string            `json:"instance,omitempty"`
	Fingerprint string            `json:"fingerprint,omitempty"`
	KeyFrom     string            `json:"key_from,omitempty"` // file, proof
	Slot        int               `json:"slot"`
	Size        uint64            `json:"size,omitempty"`
	Records     []json.RawMessage `json:"records,omitempty"`
}

func (a *app) checkProof(file, keyFile string) error {
	var keys audit.Keys
	data, err := os.ReadFile(file)
	if err == nil && keyFile != "" {
		keys, err = a.logKeys("", keyFile)
	}
	if err != nil {
		return a.unproven("cannot_verify", ExitCannotVerify, err)
	}
	v, err := audit.CheckProof(data, keys)
	switch {
	case errors.Is(err, audit.ErrTampered):
		return a.unproven("false", ExitEvidence, err)
	case err != nil:
		return a.unproven("cannot_verify", ExitCannotVerify, err)
	}
	rep := proofReport{Verdict: "holds", Instance: v.Head.Instance, Fingerprint: audit.Fingerprint(v.Key), KeyFrom: "file", Slot: v.Head.Slot, Size: v.Head.Size}
	if v.Embedded {
		rep.KeyFrom = "proof"
	}
	if a.json {
		for _, line := range v.Lines {
			rep.Records = append(rep.Records, json.RawMessage(line))
		}
		return json.NewEncoder(a.Out).Encode(rep)
	}
	return a.printProven(&v, &rep)
}

// unproven says that a proof shows nothing, and why.
func (a *app) unproven(verdict string, code Exit, err error) error {
	if a.json {
		_ = json.NewEncoder(a.Out).Encode(proofReport{Verdict: verdict})
	}
	return &Error{Code: code, Text: err.Error(), Hint: "custos audit prove ID -o FILE writes a proof, custos audit key publish -o FILE the key"}
}

func (a *app) printProven(v *audit.Proven, rep *proofReport) error {
	for i := range v.Records {
		r := &v.Records[i]
		fmt.Fprintf(a.Out, "%s  %s  %s", r.ID(), r.Time.Format("2006-01-02T15:04:05.000000Z"), term.Escape(string(r.Kind)))
		switch r.Kind {
		case audit.KindAdmission:
			fmt.Fprintf(a.Out, "  %s  %s  (%s)", r.Decision, targetOf(r), term.Escape(string(r.Reason)))
		case audit.KindOutcome, audit.KindOutcomeUnknown:
			fmt.Fprintf(a.Out, "  %s", term.Escape(string(r.Status)))
		case audit.KindApproval:
			if who := r.Approval; who != nil {
				fmt.Fprintf(a.Out, "  %s by %s, %s (%s)", term.Escape(who.State), term.Escape(who.By), term.Escape(who.Channel), term.Escape(who.Assurance))
			}
		default: // a single record of another kind
		}
		fmt.Fprintln(a.Out)
	}
	p := a.paint()
	fmt.Fprintf(a.Out, "%s: among %d records that instance %s signed in slot %02d\n", p.Paint(term.Green, "the proof holds"), rep.Size, term.Escape(rep.Instance), rep.Slot)
	if v.Embedded {
		fmt.Fprintf(a.Out, "the key came with the proof: compare its fingerprint with the one you know\n")
	}
	_, err := fmt.Fprintf(a.Out, "fingerprint  %s\n", rep.Fingerprint)
	return err
}
