package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/audit/witness"
	"github.com/custos-zt/custos/internal/config"
)

// witnessFlags say which witnesses to ask, and whether they must answer.
type witnessFlags struct {
	require bool
	url     string
	key     string
}

func (w *witnessFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&w.require, "require-witness", false, "fetch the heads from every witness, or exit with 17")
	cmd.Flags().StringVar(&w.url, "witness", "", "the `URL` of a witness; default: those of the configuration")
	cmd.Flags().StringVar(&w.key, "witness-key", "", "a `file` with its key, as custos audit witness key prints it")
}

// clients returns the witnesses that the flags or the configuration name.
func (w *witnessFlags) clients(conf config.Config) ([]*witness.Client, error) {
	list := conf.Audit.Witnesses
	if w.url != "" {
		text, err := os.ReadFile(w.key)
		if w.key == "" {
			err = errors.New("a witness needs its key: --witness-key FILE")
		}
		if err != nil {
			return nil, err
		}
		list = []config.Witness{{URL: w.url, Key: strings.TrimSpace(string(text))}}
	}
	clients := make([]*witness.Client, 0, len(list))
	for _, one := range list {
		key, err := audit.ParseWitnessKey(one.Key)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", one.URL, err)
		}
		clients = append(clients, &witness.Client{URL: one.URL, Key: key})
	}
	return clients, nil
}

// keysOf returns the keys of witnesses.
func keysOf(clients []*witness.Client) []audit.WitnessKey {
	keys := make([]audit.WitnessKey, 0, len(clients))
	for _, c := range clients {
		keys = append(keys, c.Key)
	}
	return keys
}

// askWitnesses adds what witnesses know to what a log is checked against.
func (a *app) askWitnesses(ctx context.Context, logDir string, w witnessFlags, opt *audit.VerifyOptions) error {
	conf, err := a.config()
	if err != nil {
		return err
	}
	clients, err := w.clients(conf)
	if err != nil {
		return err
	}
	opt.Witnesses = keysOf(clients)
	if !w.require {
		return nil
	}
	if len(clients) == 0 {
		return errors.New("no witness is named: audit.witness in the configuration, or --witness URL --witness-key FILE")
	}
	chains, err := audit.Chains(logDir)
	if err != nil {
		return err
	}
	heads := [][]byte{}
	if opt.Since != nil {
		heads = append(heads, opt.Since)
	}
	for _, c := range clients {
		seen, err := headsOf(ctx, c, chains, opt.Keys)
		if err != nil {
			return err
		}
		heads = append(heads, seen)
	}
	opt.Since = audit.JoinHeads(heads)
	return nil
}

// headsOf returns what a witness has seen of a log. One that lists no heads is
// asked to cosign those at hand, which it does only where they continue what it
// has seen.
func headsOf(ctx context.Context, c *witness.Client, chains []audit.Chain, keys audit.Keys) ([]byte, error) {
	instance := keys.Instance()
	for i := 0; instance == "" && i < len(chains); i++ {
		_, head, err := chains[i].Head()
		if err != nil {
			return nil, err
		}
		instance = head.Instance
	}
	if instance == "" {
		return nil, errors.New("the log does not name its instance: nothing in it was signed")
	}
	heads, err := c.Heads(ctx, instance, time.Now())
	if !errors.Is(err, witness.ErrNoHeads) {
		return heads, err
	}
	var list [][]byte
	for _, chain := range chains {
		got, err := c.Fresh(ctx, chain, time.Now())
		if err != nil {
			return nil, err
		}
		list = append(list, got.Signed)
	}
	return audit.JoinHeads(list), nil
}

// witnessDisagrees says that a witness has seen another history.
func (a *app) witnessDisagrees(no *witness.Refusal) error {
	if a.json {
		_ = json.NewEncoder(a.Out).Encode(verifyReport{Verdict: "tampered"})
	}
	return &Error{Code: ExitEvidence, Text: no.Error(), Hint: "the log was cut, rewound, replaced or forked; the witness keeps what it has seen"}
}
