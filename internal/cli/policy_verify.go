package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/internal/bundle"
	"github.com/custos-zt/custos/internal/sources"
	"github.com/custos-zt/custos/internal/term"
)

// verified is `policy verify --json`.
type verified struct {
	Bundle   string          `json:"bundle"`
	Key      string          `json:"key"`
	Layer    string          `json:"layer,omitempty"`
	Manifest bundle.Manifest `json:"manifest"`
}

func (a *app) policyVerifyCommand() *cobra.Command {
	var trust, audience string
	cmd := &cobra.Command{
		Use:   "verify [--trust PUB] FILE.bundle",
		Short: "Check a signed bundle (exit 3 where it is refused)",
		Long: `Check the signature, the audience, the validity and the members of a bundle.
Without --trust the keys are those of policy.trust_root. Whether a newer revision
was in force is for the guard to know.`,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("one bundle is verified at a time", "custos policy verify --trust PUB FILE.bundle")
			}
			return a.verifyBundle(trust, audience, args[0])
		},
	}
	cmd.Flags().StringVar(&trust, "trust", "", "public `keys`, PEM (default policy.trust_root)")
	cmd.Flags().StringVar(&audience, "audience", "", "`name` of the machine that asks (default policy.audience)")
	return cmd
}

func (a *app) verifyBundle(trust, audience, name string) error {
	conf, err := a.config()
	if err != nil {
		return err
	}
	if trust == "" {
		trust = conf.Policy.TrustRoot
	}
	if audience == "" {
		audience = conf.Policy.Audience
	}
	if trust == "" {
		return usage("no keys to trust were given", "custos policy verify --trust PUB "+name)
	}
	keys, err := sources.TrustRoot(trust, a.read)
	if err != nil {
		return &Error{Code: ExitConfig, Text: err.Error(), Err: err}
	}
	data, err := a.read(name)
	if err != nil {
		return &Error{Code: ExitPolicy, Text: err.Error(), Err: err}
	}
	b, err := bundle.Open(data, bundle.Trust{Keys: keys, Audience: audience, Now: time.Now()})
	if err != nil {
		return &Error{Code: ExitPolicy, Text: name + ": " + err.Error(), Err: err}
	}
	if a.json {
		return json.NewEncoder(a.Out).Encode(verified{b.Digest, b.KeyID, b.Layer, b.Manifest})
	}
	a.printVerified(b)
	return nil
}

func (a *app) printVerified(b *bundle.Bundle) {
	m := &b.Manifest
	fmt.Fprintf(a.Out, "ok: %s revision %d, signed by key %s\n", m.Name, m.Revision, b.KeyID)
	if b.Layer != "" {
		fmt.Fprintf(a.Out, "  layer     %s\n", term.Escape(b.Layer))
	}
	audience := "everyone who trusts the key"
	if len(m.Audience) > 0 {
		audience = strings.Join(m.Audience, ", ")
	}
	fmt.Fprintf(a.Out, "  audience  %s\n", term.Escape(audience))
	fmt.Fprintf(a.Out, "  valid     %s to %s\n", m.NotBefore.Format(time.RFC3339), m.NotAfter.Format(time.RFC3339))
	for _, d := range m.Members {
		fmt.Fprintf(a.Out, "  %s  sha256:%s\n", d.Name, d.SHA256)
	}
}
