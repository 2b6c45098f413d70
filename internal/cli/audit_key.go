package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/config"
	"github.com/custos-zt/custos/internal/keychain"
	"github.com/custos-zt/custos/internal/state"
	"github.com/custos-zt/custos/internal/term"
)

func (a *app) auditKeyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Make, show, replace and publish the key that signs the log",
		Long: `The log key signs the heads of the log. It lies in a file of the state
directory, or, with audit.key: keychain in the configuration, in the keychain of
the system. It is made by the first custos run, or by custos audit key create.

  custos audit key publish -o custos.pub    what others check the log with`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	create := &cobra.Command{
		Use: "create", Short: "Make the state directory and its key, without guarding anything", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.createKey() },
	}
	show := &cobra.Command{
		Use: "show", Short: "Print the public key and its fingerprint", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.showKey() },
	}
	rotate := &cobra.Command{
		Use: "rotate", Short: "Replace the key; every chain says so, signed with the old one", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.rotateKey() },
	}
	cmd.AddCommand(create, show, rotate, a.publishKeyCommand())
	return cmd
}

func (a *app) publishKeyCommand() *cobra.Command {
	var out string
	publish := &cobra.Command{
		Use: "publish -o FILE", Short: "Write the public key, with all that it replaced, for verify --key and check --key", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if out == "" {
				return usage("publish needs a file to write", "custos audit key publish -o custos.pub")
			}
			keys, err := a.ownKeys()
			if err != nil {
				return err
			}
			text, err := audit.FormatKeys(keys)
			if err != nil {
				return failure(err, "")
			}
			return a.writeOut(out, []byte(text))
		},
	}
	publish.Flags().StringVarP(&out, "output", "o", "", "the `file` to write; - is standard output")
	return publish
}

// stateOptions says where the private log key of a state directory is kept.
func stateOptions(conf config.Config, dir string) state.Options {
	if !conf.Audit.Keychain {
		return state.Options{}
	}
	return state.Options{Keys: keychain.Store{Owner: dir}}
}

// stateAndKeys returns the path of the state directory and how it is opened.
func (a *app) stateAndKeys() (string, state.Options, error) {
	conf, err := a.config()
	if err != nil {
		return "", state.Options{}, err
	}
	dir, err := a.statePath(conf)
	if err != nil {
		return "", state.Options{}, failure(err, "name the directory: --state DIR")
	}
	return dir, stateOptions(conf, dir), nil
}

// ownKeys returns the public log keys of the state directory.
func (a *app) ownKeys() (audit.Keys, error) {
	dir, err := a.logDir()
	if err != nil {
		return audit.Keys{}, err
	}
	keys, err := state.PublicKeys(filepath.Dir(dir))
	if err != nil {
		return keys, failure(err, "the key is made by the first custos run, or: custos audit key create")
	}
	return keys, nil
}

// keyReport is `audit key show --json`.
type keyReport struct {
	Instance    string `json:"instance"`
	Fingerprint string `json:"fingerprint"`
	Key         string `json:"key"`
	// Replaced are the fingerprints of the keys before this one.
	Replaced []string `json:"replaced"`
}

func (a *app) createKey() error {
	dir, opt, err := a.stateAndKeys()
	if err != nil {
		return err
	}
	if _, err := state.PublicKeys(dir); err == nil {
		return &Error{Code: ExitFailure, Text: "there is a log key already", Hint: "to replace it: custos audit key rotate"}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return failure(err, "")
	}
	d, err := state.OpenWith(dir, opt)
	if err != nil {
		return keyFailure(err)
	}
	return a.printKey(d.LogKeys())
}

func (a *app) rotateKey() error {
	dir, opt, err := a.stateAndKeys()
	if err != nil {
		return err
	}
	keys, err := state.RotateKey(dir, opt)
	switch {
	case errors.Is(err, state.ErrInUse):
		return &Error{Code: ExitFailure, Text: err.Error(), Hint: "end what custos status shows as running, then rotate again"}
	case errors.Is(err, fs.ErrNotExist):
		return failure(err, "the key is made by the first custos run, or: custos audit key create")
	case errors.Is(err, audit.ErrTampered):
		return &Error{Code: ExitEvidence, Text: err.Error(), Hint: "custos audit verify names the first bad record"}
	case err != nil:
		return keyFailure(err)
	}
	if err := a.printKey(keys); err != nil {
		return err
	}
	a.say("publish it again, and tell every witness: custos audit key publish -o custos.pub")
	return nil
}

// keyFailure says what to do where a key cannot be kept.
func keyFailure(err error) error {
	if errors.Is(err, keychain.ErrUnavailable) {
		return failure(err, "unlock the keychain, or keep the key in a file: audit: {key: file}")
	}
	return failure(err, "")
}

func (a *app) showKey() error {
	keys, err := a.ownKeys()
	if err != nil {
		return err
	}
	return a.printKey(keys)
}

func (a *app) printKey(keys audit.Keys) error {
	text, err := keys.Verifier()
	if err != nil {
		return failure(err, "")
	}
	k := keyReport{Instance: keys.Instance(), Fingerprint: audit.Fingerprint(keys.Current()), Key: text, Replaced: []string{}}
	for _, old := range keys.Replaced() {
		k.Replaced = append(k.Replaced, audit.Fingerprint(old))
	}
	if a.json {
		return json.NewEncoder(a.Out).Encode(k)
	}
	fmt.Fprintf(a.Out, "instance     %s\nfingerprint  %s\nkey          %s\n", k.Instance, k.Fingerprint, term.Escape(k.Key))
	for _, old := range k.Replaced {
		fmt.Fprintf(a.Out, "replaced     %s\n", old)
	}
	return nil
}
