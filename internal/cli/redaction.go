package cli

import (
	"errors"
	"os"

	"github.com/custos-zt/custos/internal/auditor"
	"github.com/custos-zt/custos/internal/canary"
	"github.com/custos-zt/custos/internal/config"
	"github.com/custos-zt/custos/internal/engine"
	"github.com/custos-zt/custos/internal/redact"
	"github.com/custos-zt/custos/internal/term"
)

// redaction reads what records must hide: the secrets that the configuration
// names, whether subjects are pseudonyms, and what a higher tier keeps. From
// then on this invocation masks the secrets in its own words too.
func (a *app) redaction(conf config.Config) (redact.Options, error) {
	known, err := a.secrets(conf)
	if err != nil {
		return redact.Options{}, &Error{Code: ExitConfig, Text: "audit.canaries: " + err.Error(), Hint: "every secret that is named must be known: else it could not be hidden", Err: err}
	}
	a.hide = known
	o := redact.Options{
		Secrets: known, Pseudonyms: conf.Audit.Pseudonyms,
		Tier: conf.Audit.Redaction.Tier, Labels: conf.Audit.Redaction.Labels,
	}
	if o.Pseudonyms {
		o.Home, _ = os.UserHomeDir() // unknown: there is nothing to cut out
	}
	if o.Tier == 3 {
		to, err := auditor.ParseRecipient(conf.Audit.Redaction.Recipient)
		if err != nil {
			return o, &Error{Code: ExitConfig, Text: "audit.redaction.recipient: " + err.Error(), Err: err}
		}
		o.Encrypt = to.Encrypt
	}
	return o, nil
}

// evidencePlace returns the state directory and what its records must hide.
func (a *app) evidencePlace(conf config.Config) (dir string, hide redact.Options, err error) {
	if dir, err = a.statePath(conf); err == nil {
		hide, err = a.redaction(conf)
	}
	return dir, hide, err
}

// secrets resolves the secrets that must appear nowhere: those that are named
// for that, and those that Custos itself uses, as far as they are there and long
// enough to be told from other text.
func (a *app) secrets(conf config.Config) (*canary.Matcher, error) {
	var list []canary.Secret
	var failed error
	for _, r := range conf.Audit.Canaries {
		v, err := r.Resolve(a.getenv)
		if err == nil && len(v) < canary.MinLength {
			err = errors.New(r.String() + ": " + canary.ErrShort.Error())
		}
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		list = append(list, canary.Secret{Name: r.String(), Value: v})
	}
	if failed != nil {
		return nil, failed
	}
	for _, r := range conf.Sinks.Secrets() {
		if v, err := r.Resolve(a.getenv); err == nil && len(v) >= canary.MinLength {
			list = append(list, canary.Secret{Name: r.String(), Value: v})
		}
	}
	return canary.New(list)
}

// masked returns a text without known secrets.
func (a *app) masked(s string) string {
	s, _ = a.hide.Mask(s)
	return s
}

// replay says how long a guard keeps arguments; nil: it does not.
func (g *guard) replay() *engine.Replay {
	r := g.conf.Audit.Replay
	if r.Off {
		return nil
	}
	return &engine.Replay{Keep: r.Keep, Size: r.Size, Failed: func(err error) {
		g.app.say("warning: arguments are no longer kept for why and replay: %s", term.Escape(err.Error()))
	}}
}
