package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/state"
)

// logKeys returns the public log keys: those of a file where one is named, else
// those of the state directory around the log, and none where there are none,
// as beside a copy of a log.
func (a *app) logKeys(logDir, file string) (audit.Keys, error) {
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return audit.Keys{}, err
		}
		keys, err := audit.ParseKeys(string(text))
		if err != nil {
			return keys, fmt.Errorf("%s: %w", file, err)
		}
		return keys, nil
	}
	keys, err := state.PublicKeys(filepath.Dir(logDir))
	if errors.Is(err, fs.ErrNotExist) {
		return audit.Keys{}, nil
	}
	return keys, err
}

// verifyOptions reads what the user holds against the log.
func (a *app) verifyOptions(logDir, since, key string) (audit.VerifyOptions, error) {
	var opt audit.VerifyOptions
	var err error
	if opt.Keys, err = a.logKeys(logDir, key); err != nil {
		return opt, err
	}
	if since != "" {
		if opt.Since, err = os.ReadFile(since); err != nil {
			return opt, err
		}
	}
	return opt, nil
}

func (a *app) auditCheckpointCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "checkpoint -o FILE",
		Short: "Write the signed head of the log, to be kept outside of this machine",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if out == "" {
				return usage("checkpoint needs a file to write", "custos audit checkpoint -o head")
			}
			return a.writeHeads(out)
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "the `file` to write; - is standard output")
	return cmd
}

func (a *app) writeHeads(out string) error {
	dir, err := a.logDir()
	if err != nil {
		return err
	}
	bundle, heads, err := audit.Heads(dir)
	switch {
	case errors.Is(err, audit.ErrTampered):
		return &Error{Code: ExitEvidence, Text: err.Error(), Hint: "custos audit verify names the first bad record"}
	case err != nil:
		return &Error{Code: ExitCannotVerify, Text: plainError(err), Hint: "name the state directory: --state DIR"}
	case len(heads) == 0:
		return &Error{Code: ExitCannotVerify, Text: "nothing in this log was signed yet", Hint: "a log is signed every second while it grows, and when it is closed"}
	}
	if err := a.writeOut(out, bundle); err != nil {
		return err
	}
	if out == "-" {
		return nil
	}
	for i := range heads {
		a.say("slot %02d  record %d", heads[i].Slot, heads[i].Size)
	}
	a.say("keep %s where whoever can write the log cannot; later: custos audit verify --since %s", out, out)
	return nil
}

// writeOut writes a result to a file, or to standard output for "-".
func (a *app) writeOut(out string, data []byte) error {
	if out == "-" {
		_, err := a.Out.Write(data)
		return err
	}
	if err := os.WriteFile(out, data, 0o600); err != nil {
		return failure(err, "name a file that can be written: -o FILE")
	}
	return nil
}
