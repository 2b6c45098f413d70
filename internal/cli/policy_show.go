package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/internal/state"
	"github.com/custos-zt/custos/internal/term"
)

// shown is `policy show --json`.
type shown struct {
	Digest string      `json:"policy_digest"`
	Files  []shownFile `json:"files"`
}

type shownFile struct {
	Digest string `json:"digest"`
	Text   string `json:"text"`
}

func (a *app) policyShowCommand() *cobra.Command {
	var at, name string
	cmd := &cobra.Command{
		Use:   "show [DIGEST] [--at TIME|DIGEST] [--name NAME]",
		Short: "Print the text of a policy that was in force (default: the last)",
		Long: `Print the text of a policy as it was kept when it was put in force. A digest may
be cut short; TIME is 2026-11-21T10:00:00Z, or a date, and means what was in force
then. Where a policy had several files, they follow each other.`,
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) > 1, len(args) == 1 && at != "":
				return usage("one policy is shown at a time", "custos policy show DIGEST")
			case len(args) == 1:
				at = args[0]
			}
			return a.showPolicy(at, name)
		},
	}
	cmd.Flags().StringVar(&at, "at", "", "`time` or digest")
	cmd.Flags().StringVar(&name, "name", "", "only the server of this `name`")
	return cmd
}

func (a *app) showPolicy(at, name string) error {
	all, err := a.activations(name)
	if err != nil {
		return err
	}
	digest, err := chooseActivation(all, at)
	if err != nil {
		return err
	}
	conf, err := a.config()
	if err != nil {
		return err
	}
	path, err := a.statePath(conf)
	if err != nil {
		return failure(err, "name the directory: --state DIR")
	}
	dir, err := state.OpenExisting(path)
	if err != nil {
		return failure(err, "")
	}
	files, err := keptFiles(dir, digest)
	if err != nil {
		return err
	}
	return a.printKept(digest, files)
}

// chooseActivation finds the policy that at means: the last one, that of a
// digest, or the one in force at a time.
func chooseActivation(all []activation, at string) (string, error) {
	until, isTime := timeOf(at)
	hexits, isDigest := strings.CutPrefix(at, "sha256:")
	if at != "" && !isTime && (!isDigest || len(hexits) < 6) {
		return "", usage(at+" is no time and no digest", "custos policy show sha256:41c0d2…, or --at 2026-11-21T10:00:00Z")
	}
	found := ""
	for _, x := range all {
		switch {
		case isTime && x.Time.After(until), isDigest && !strings.HasPrefix(x.Digest, at):
			continue
		case isDigest && found != "" && found != x.Digest:
			return "", usage(at+" is the beginning of several digests", "custos policy history")
		}
		found = x.Digest
	}
	if found == "" {
		return "", &Error{Code: ExitFailure, Text: "no such policy was in force", Hint: "custos policy history"}
	}
	return found, nil
}

// timeOf reads a time, or a date, which means its end.
func timeOf(s string) (time.Time, bool) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, true
	}
	if t, err := time.ParseInLocation(time.DateOnly, s, time.Local); err == nil {
		return t.AddDate(0, 0, 1), true
	}
	return time.Time{}, false
}

// keptFiles returns the files of a kept policy. What is kept under the digest
// is the file, or the list of the digests of several.
func keptFiles(dir *state.Dir, digest string) ([]shownFile, error) {
	text, err := kept(dir, digest)
	if err != nil {
		return nil, err
	}
	var files []shownFile
	for line := range bytes.Lines(text) {
		hexits := strings.TrimSuffix(string(line), "\n")
		if raw, err := hex.DecodeString(hexits); err != nil || len(raw) != sha256.Size {
			return []shownFile{{digest, string(text)}}, nil // no list
		}
		member, err := kept(dir, "sha256:"+hexits)
		if err != nil {
			return nil, err
		}
		files = append(files, shownFile{"sha256:" + hexits, string(member)})
	}
	return files, nil
}

func (a *app) printKept(digest string, files []shownFile) error {
	if a.json {
		return json.NewEncoder(a.Out).Encode(shown{digest, files})
	}
	for i, f := range files {
		if len(files) > 1 {
			fmt.Fprintf(a.Out, "# file %d of %d, %s\n", i+1, len(files), f.Digest)
		}
		for line := range strings.Lines(f.Text) {
			fmt.Fprintln(a.Out, term.Escape(strings.TrimSuffix(line, "\n")))
		}
	}
	return nil
}
