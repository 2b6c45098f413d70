package cli

import (
	"errors"
	"slices"

	"github.com/custos-zt/custos/internal/bundle"
	"github.com/custos-zt/custos/internal/config"
	"github.com/custos-zt/custos/internal/sources"
	"github.com/custos-zt/custos/internal/state"
	"github.com/custos-zt/custos/internal/term"
)

// reader returns a reader without keys to trust.
func (a *app) reader(audience string) *sources.Reader {
	return &sources.Reader{Read: a.read, Audience: audience, Unchecked: func(name string) {
		a.say("warning: %s: the signature is not checked, because no policy.trust_root is configured", term.Escape(name))
	}}
}

// sourceReader returns a reader under the trust root of the configuration.
func (a *app) sourceReader(conf config.Config) (*sources.Reader, error) {
	r := a.reader(conf.Policy.Audience)
	if conf.Policy.TrustRoot == "" {
		return r, nil
	}
	keys, err := sources.TrustRoot(conf.Policy.TrustRoot, a.read)
	if err != nil {
		return nil, &Error{Code: ExitConfig, Text: "policy.trust_root: " + err.Error(), Err: err}
	}
	r.Keys = keys
	return r, nil
}

// readerFor returns the reader for commands that put nothing in force. They
// need the configuration for bundles only.
func (a *app) readerFor(names []string) (*sources.Reader, error) {
	if !slices.ContainsFunc(names, bundle.Named) {
		return a.reader(""), nil
	}
	conf, err := a.config()
	if err != nil {
		return nil, err
	}
	return a.sourceReader(conf)
}

// recalled is an error of a policy that was in force, with its status.
func recalled(err error, digest string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sources.ErrUnknown):
		return &Error{Code: ExitFailure, Text: err.Error(), Hint: "custos policy show " + digest + " > FILE", Err: err}
	case errors.Is(err, sources.ErrGone):
		return &Error{Code: ExitFailure, Text: err.Error(), Err: err}
	case errors.Is(err, sources.ErrChanged):
		return &Error{Code: ExitEvidence, Text: err.Error(), Err: err}
	default:
		return &Error{Code: ExitPolicy, Text: err.Error(), Err: err}
	}
}

// kept reads one kept text and checks that it is what its digest says.
func kept(dir *state.Dir, digest string) ([]byte, error) {
	text, err := sources.Kept(dir, digest)
	return text, recalled(err, digest)
}
