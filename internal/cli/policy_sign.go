package cli

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/internal/bundle"
	"github.com/custos-zt/custos/internal/inventory"
	"github.com/custos-zt/custos/internal/proof"
	"github.com/custos-zt/custos/policy"
)

// signFlags are the flags of `policy sign`.
type signFlags struct {
	key, out, name string
	revision       uint64
	audience       []string
	days           int
}

func (a *app) policySignCommand() *cobra.Command {
	var f signFlags
	cmd := &cobra.Command{
		Use:   "sign --key KEY -o FILE.bundle FILE…",
		Short: "Sign policy files as one bundle",
		Long: `Check policy files as one policy, run their own tests, and sign them as a bundle,
which stands wherever a policy file does. Where the configuration names a policy.trust_root, only
bundles signed by a key in it are put in force, and none older than one that was.

  openssl genpkey -algorithm ed25519 -out policy.key && chmod 600 policy.key
  openssl pkey -in policy.key -pubout -out policy.pub      (the trust root)`,
		RunE: func(_ *cobra.Command, files []string) error {
			switch {
			case len(files) == 0 || f.key == "" || f.out == "":
				return usage("a key, a bundle to write and policy files are needed", "custos policy sign --key KEY -o FILE.bundle FILE…")
			case !bundle.Named(f.out):
				return usage(f.out+" does not end in .bundle, and would not be read as one", "-o FILE.bundle")
			case f.days < 1:
				return usage("--days is at least 1", "")
			}
			return a.sign(f, files)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.key, "key", "", "private `key`: Ed25519, PKCS #8 in PEM")
	flags.StringVarP(&f.out, "output", "o", "", "`file` to write, FILE.bundle")
	flags.StringVar(&f.name, "name", "policy", "`name` of the policy, whose revisions are counted")
	flags.Uint64Var(&f.revision, "revision", 0, "`number` of the revision (default the time in seconds)")
	flags.StringArrayVar(&f.audience, "audience", nil, "`name` of a machine that may use it, may be repeated (default all)")
	flags.IntVar(&f.days, "days", 365, "`days` for which it may be put in force")
	return cmd
}

func (a *app) sign(f signFlags, names []string) error {
	key, err := a.signingKey(f.key)
	if err != nil {
		return &Error{Code: ExitConfig, Text: err.Error(), Err: err}
	}
	var members []bundle.Member
	var sources []policy.Source
	for _, name := range names {
		data, err := a.read(name)
		if err != nil {
			return &Error{Code: ExitPolicy, Text: err.Error(), Err: err}
		}
		members = append(members, bundle.Member{Name: filepath.Base(name), Data: data})
		sources = append(sources, policy.Source{Name: name, Data: data})
	}
	registry, err := inventory.LoadRegistry()
	if err != nil {
		return failure(err, "")
	}
	o := policyOptions("", registry)
	if o.Home == "" {
		o.Home = "/"
	}
	p, err := a.compile(sources, o)
	if err != nil {
		return err
	}
	if _, err := a.provePolicy(context.Background(), &proof.Bench{Sources: sources, Options: o, Registry: registry}, p.snapshot); err != nil {
		return err
	}
	now := time.Now().UTC().Truncate(time.Second)
	m := bundle.Manifest{Name: f.name, Revision: f.revision, Audience: f.audience, NotBefore: now, NotAfter: now.AddDate(0, 0, f.days)}
	if m.Revision == 0 {
		m.Revision = uint64(now.Unix())
	}
	data, err := bundle.Sign(key, m, members)
	if err != nil {
		return &Error{Code: ExitUsage, Text: err.Error(), Err: err}
	}
	if err := os.WriteFile(f.out, data, 0o600); err != nil {
		return failure(err, "")
	}
	a.say("signed %d files as revision %d of %s, valid until %s", len(members), m.Revision, f.name, m.NotAfter.Format(time.DateOnly))
	return nil
}

// signingKey reads a private key that nobody else can read.
func (a *app) signingKey(name string) (ed25519.PrivateKey, error) {
	if name != "-" {
		info, err := os.Stat(name)
		if err != nil {
			return nil, err
		}
		if info.Mode().Perm()&0o077 != 0 {
			return nil, errors.New(name + " is open to other users: chmod 600 " + name + ", and if others could read it, make a new key")
		}
	}
	data, err := a.read(name)
	if err != nil {
		return nil, err
	}
	key, err := bundle.PrivateKey(data)
	if err != nil {
		return nil, fmt.Errorf("%s %w", name, err)
	}
	return key, nil
}
