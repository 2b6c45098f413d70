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
	known, unknown, err := a.secrets(conf)
	if err = errors.Join(err, unknown); err != nil {
		return redact.Options{}, &Error{Code: ExitConfig, Text: "audit.canaries: " + err.Error(), Hint: "every secret that is named must be known: else it could not be hidden", Err: err}
	}
	return a.hiding(conf, known)
}

// redactionHere is redaction for commands in which a person says something that
// is recorded. Their shell need not have what the guard's has: a secret that is
// not known here is told, and no reason to keep an answer from being given.
func (a *app) redactionHere(conf config.Config) (redact.Options, error) {
	known, unknown, err := a.secrets(conf)
	if err != nil {
		return redact.Options{}, &Error{Code: ExitConfig, Text: "audit.canaries: " + err.Error(), Err: err}
	}
	if unknown != nil {
		a.say("warning: not known here, and not cut out of what is recorded now: %s", term.Escape(unknown.Error()))
	}
	return a.hiding(conf, known)
}

func (a *app) hiding(conf config.Config, known *canary.Matcher) (redact.Options, error) {
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
	return a.placeOf(conf, a.redaction)
}

// personsPlace is evidencePlace for commands in which a person says something.
func (a *app) personsPlace(conf config.Config) (dir string, hide redact.Options, err error) {
	return a.placeOf(conf, a.redactionHere)
}

func (a *app) placeOf(conf config.Config, hiding func(config.Config) (redact.Options, error)) (dir string, hide redact.Options, err error) {
	if dir, err = a.statePath(conf); err == nil {
		hide, err = hiding(conf)
	}
	return dir, hide, err
}

// secrets resolves the secrets that must appear nowhere: those that are named
// for that, and those that Custos itself uses, as far as they are there and long
// enough to be told from other text. unknown says which of the former could not
// be read.
func (a *app) secrets(conf config.Config) (known *canary.Matcher, unknown, err error) {
	var list []canary.Secret
	for _, r := range conf.Audit.Canaries {
		v, err := r.Resolve(a.getenv)
		switch {
		case err != nil:
			unknown = errors.Join(unknown, err)
			continue
		case len(v) < canary.MinLength:
			return nil, nil, errors.New(r.String() + ": " + canary.ErrShort.Error())
		}
		list = append(list, canary.Secret{Name: r.String(), Value: v})
	}
	for _, r := range conf.Secrets() {
		if v, err := r.Resolve(a.getenv); err == nil && len(v) >= canary.MinLength {
			list = append(list, canary.Secret{Name: r.String(), Value: v})
		}
	}
	known, err = canary.New(list)
	return known, unknown, err
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
