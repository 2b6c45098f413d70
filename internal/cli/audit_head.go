package cli

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/state"
	"github.com/custos-zt/custos/internal/term"
)

// logKey returns the public log key: that of a file where one is named, else
// that of the state directory around the log, and nil where there is none, as
// beside a copy of a log.
func (a *app) logKey(logDir, file string) (ed25519.PublicKey, error) {
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		key, err := audit.ParseKey(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		return key, nil
	}
	key, err := state.PublicKey(filepath.Dir(logDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return key, err
}

// verifyOptions reads what the user holds against the log.
func (a *app) verifyOptions(logDir, since, key string) (audit.VerifyOptions, error) {
	var opt audit.VerifyOptions
	var err error
	if opt.Key, err = a.logKey(logDir, key); err != nil {
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

func (a *app) auditKeyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Show or publish the public key that signs the log",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	show := &cobra.Command{
		Use: "show", Short: "Print the public key and its fingerprint", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.showKey() },
	}
	var out string
	publish := &cobra.Command{
		Use: "publish -o FILE", Short: "Write the public key to a file, for verify --key and check --key", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if out == "" {
				return usage("publish needs a file to write", "custos audit key publish -o custos.pub")
			}
			_, text, err := a.ownKey()
			if err != nil {
				return err
			}
			return a.writeOut(out, []byte(text+"\n"))
		},
	}
	publish.Flags().StringVarP(&out, "output", "o", "", "the `file` to write; - is standard output")
	cmd.AddCommand(show, publish)
	return cmd
}

// ownKey returns the public log key of the state directory.
func (a *app) ownKey() (ed25519.PublicKey, string, error) {
	dir, err := a.logDir()
	if err != nil {
		return nil, "", err
	}
	key, err := state.PublicKey(filepath.Dir(dir))
	if err != nil {
		return nil, "", failure(err, "the key is made by the first custos run; name the state directory: --state DIR")
	}
	text, err := audit.FormatKey(key)
	if err != nil {
		return nil, "", failure(err, "")
	}
	return key, text, nil
}

// keyReport is `audit key show --json`.
type keyReport struct {
	Instance    string `json:"instance"`
	Fingerprint string `json:"fingerprint"`
	Key         string `json:"key"`
}

func (a *app) showKey() error {
	key, text, err := a.ownKey()
	if err != nil {
		return err
	}
	k := keyReport{Instance: audit.InstanceID(key), Fingerprint: audit.Fingerprint(key), Key: text}
	if a.json {
		return json.NewEncoder(a.Out).Encode(k)
	}
	_, err = fmt.Fprintf(a.Out, "instance     %s\nfingerprint  %s\nkey          %s\n", k.Instance, k.Fingerprint, term.Escape(k.Key))
	return err
}
