// Package redact decides what of a record may be read by whoever reads the log,
// beyond what package audit leaves out anyway: known secrets are masked in every
// text ([Redactor.Record]), subjects can be replaced by pseudonyms, and the
// redaction tier says whether values of arguments are kept, and how
// ([Redactor.Keep]).
//
// A [Redactor] is built once from configuration and is safe for concurrent use.
package redact

import (
	"encoding/base32"
	"strings"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/canary"
)

// Options say what to hide.
type Options struct {
	// Secrets are masked wherever they stand; nil: none are known.
	Secrets *canary.Matcher
	// Pseudonyms replaces subjects by keyed digests.
	Pseudonyms bool
	// Home is cut out of the places of rules under Pseudonyms: it names a person.
	Home string
	// Keyed is the keyed digest of the state directory.
	Keyed audit.Keyed
	// Tier is the redaction tier: 1, 2 or 3.
	Tier int
	// Labels are those whose values tier 2 keeps.
	Labels []string
	// Encrypt encrypts what tier 3 keeps to the auditor's key.
	Encrypt func(plain []byte) (string, error)
}

// Redactor hides what a record must not say.
type Redactor struct{ opt Options }

// New returns a redactor, or nil where there is nothing to hide beyond tier 1.
func New(o Options) *Redactor {
	if o.Secrets == nil && !o.Pseudonyms && o.Tier <= 1 {
		return nil
	}
	return &Redactor{o}
}

// Pseudonym returns what stands for a subject (issuer:id) in records: "p_" and
// sixteen characters, the same for the same subject under one state directory.
// It hides an identity from readers of the log, not from who has the key.
func Pseudonym(subject string, keyed audit.Keyed) string {
	if subject == "" || IsPseudonym(subject) {
		return subject
	}
	sum := keyed("pseudonym", []byte(subject))
	return pseudonymPrefix + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:10]))
}

const (
	pseudonymPrefix = "p_"
	pseudonymLength = len(pseudonymPrefix) + 16
)

// IsPseudonym reports whether s has the form of one. No subject has: those
// have an issuer and a colon.
func IsPseudonym(s string) bool {
	return len(s) == pseudonymLength && strings.HasPrefix(s, pseudonymPrefix) && !strings.Contains(s, ":")
}

// Record hides, in a record that is about to be stored, the secrets and, if so
// configured, the subjects. What the record points to is replaced, never
// changed. A nil Redactor changes nothing.
func (d *Redactor) Record(r *audit.Record) {
	if d == nil {
		return
	}
	if d.opt.Pseudonyms {
		d.pseudonyms(r)
	}
	if d.opt.Secrets != nil {
		d.mask(r)
	}
}

// Text masks the secrets in a text for people: an error, a line of output.
func (d *Redactor) Text(s string) string {
	s, _ = d.Mask(s)
	return s
}

// Mask is Text that reports whether there was a secret.
func (d *Redactor) Mask(s string) (string, bool) {
	if d == nil {
		return s, false
	}
	return d.opt.Secrets.Mask(s)
}

// pseudonyms replaces whoever is named, and what names them by the way: a
// user's own layer, and policy files in a home directory.
func (d *Redactor) pseudonyms(r *audit.Record) {
	r.Subject = Pseudonym(r.Subject, d.opt.Keyed)
	if r.Approval != nil {
		a := *r.Approval
		a.By = Pseudonym(a.By, d.opt.Keyed)
		r.Approval = &a
	}
	if r.Change != nil {
		c := *r.Change
		c.Actor = Pseudonym(c.Actor, d.opt.Keyed)
		r.Change = &c
	}
	if subject, ok := strings.CutPrefix(r.Layer, "user/"); ok {
		r.Layer = "user/" + Pseudonym(subject, d.opt.Keyed)
	}
	if d.opt.Home == "" {
		return
	}
	r.Position, r.Detail = d.away(r.Position), d.away(r.Detail)
	r.Matched = changed(r.Matched, func(m *access.Match) { m.Position = d.away(m.Position) })
	if r.Nearest != nil {
		n := *r.Nearest
		n.Position = d.away(n.Position)
		r.Nearest = &n
	}
}

// away writes the home directory as "~".
func (d *Redactor) away(s string) string { return strings.ReplaceAll(s, d.opt.Home, "~") }

// changed returns a copy of list with every item changed.
func changed[T any](list []T, change func(*T)) []T {
	if len(list) == 0 {
		return list
	}
	out := make([]T, len(list))
	copy(out, list)
	for i := range out {
		change(&out[i])
	}
	return out
}
