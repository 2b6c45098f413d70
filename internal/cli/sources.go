package cli

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/custos-zt/custos/internal/bundle"
	"github.com/custos-zt/custos/internal/config"
	"github.com/custos-zt/custos/internal/state"
	"github.com/custos-zt/custos/internal/term"
	"github.com/custos-zt/custos/policy"
)

// sourceReader reads policy files and signed bundles.
type sourceReader struct {
	app      *app
	keys     []bundle.Key // of the trust root; none where none is configured
	audience string
	// signed refuses what is no bundle: a trust root is configured, and what is
	// read is to be put in force.
	signed bool
	// held are texts that stand for files, by name: what they once held.
	held map[string][]byte
	// input is standard input, which can be read once.
	input []byte
	told  []string // bundles whose signature could not be checked
}

// files are policy files as they were read at one moment.
type files struct {
	names   []string
	sources []policy.Source
	raw     [][]byte // what each name held
	bundles []*bundle.Bundle
	// signed are the sources that a bundle holds.
	signed map[string]origin
}

// origin is where a source of a bundle comes from.
type origin struct {
	file  string // the bundle
	layer string // that its key may sign for; "" is any
}

// under completes what the files are read against: a member may claim what both
// its bundle and its key may.
func (f *files) under(o policy.Options) policy.Options {
	inner := o.Claim
	o.Claim = func(source string) string {
		from, ok := f.signed[source]
		if !ok {
			from.file = source
		}
		claim := from.layer
		if inner == nil {
			return claim
		}
		switch most := inner(from.file); {
		case most == "" || most == globalLayer || most == claim:
			return claim
		case claim == "" || claim == globalLayer:
			return most
		default:
			return "none" // two layers that have nothing in common
		}
	}
	return o
}

// globalLayer is the layer that may claim every other.
const globalLayer = "global"

// digest is that of the policy that the files make.
func (f *files) digest() string {
	kept := policy.Kept(f.sources)
	return kept[len(kept)-1].Digest
}

// identity tells apart what digest does, and bundles that hold the same files.
func (f *files) identity() string {
	id := f.digest()
	for _, b := range f.bundles {
		id += " " + b.Digest
	}
	return id
}

// sourceReader returns a reader under the trust root of the configuration.
func (a *app) sourceReader(conf config.Config) (*sourceReader, error) {
	r := &sourceReader{app: a, audience: conf.Policy.Audience}
	if conf.Policy.TrustRoot == "" {
		return r, nil
	}
	keys, err := a.trustRoot(conf.Policy.TrustRoot)
	if err != nil {
		return nil, &Error{Code: ExitConfig, Text: "policy.trust_root: " + err.Error(), Err: err}
	}
	r.keys = keys
	return r, nil
}

// trustRoot reads a file of public keys.
func (a *app) trustRoot(name string) ([]bundle.Key, error) {
	data, err := a.read(name)
	if err != nil {
		return nil, err
	}
	keys, err := bundle.PublicKeys(data)
	if err != nil {
		return nil, fmt.Errorf("%s %w", name, err)
	}
	return keys, nil
}

// readerFor returns the reader for commands that put nothing in force. They
// need the configuration for bundles only.
func (a *app) readerFor(names []string) (*sourceReader, error) {
	if !slices.ContainsFunc(names, bundle.Named) {
		return &sourceReader{app: a}, nil
	}
	conf, err := a.config()
	if err != nil {
		return nil, err
	}
	return a.sourceReader(conf)
}

// read reads the named files.
func (r *sourceReader) read(names []string) (*files, error) {
	out := &files{names: names, signed: map[string]origin{}}
	for _, name := range names {
		data, err := r.data(name)
		out.raw = append(out.raw, data)
		switch {
		case err != nil:
			return nil, err
		case bundle.Named(name):
			if err := r.open(name, data, out); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		case r.signed:
			return nil, fmt.Errorf("%s is not signed, and policy.trust_root asks for signed bundles", name)
		default:
			out.sources = append(out.sources, policy.Source{Name: name, Data: data})
		}
	}
	return out, nil
}

func (r *sourceReader) data(name string) ([]byte, error) {
	if data, ok := r.held[name]; ok {
		return data, nil
	}
	if name != "-" {
		return r.app.read(name)
	}
	if r.input == nil {
		data, err := r.app.read(name)
		if err != nil {
			return nil, err
		}
		r.input = append([]byte{}, data...)
	}
	return r.input, nil
}

// open adds the members of a bundle.
func (r *sourceReader) open(name string, data []byte, to *files) error {
	b, err := bundle.Open(data, bundle.Trust{Keys: r.keys, Audience: r.audience, Now: time.Now()})
	if err != nil {
		return err
	}
	if b.KeyID == "" && !slices.Contains(r.told, name) {
		r.told = append(r.told, name)
		r.app.say("warning: %s: the signature is not checked, because no policy.trust_root is configured", term.Escape(name))
	}
	to.bundles = append(to.bundles, b)
	for _, m := range b.Members {
		source := name + "/" + m.Name
		to.signed[source] = origin{name, b.Layer}
		to.sources = append(to.sources, policy.Source{Name: source, Data: m.Data})
	}
	return nil
}

// advance remembers the revisions that are about to be in force, and refuses
// those that are older than what was. Without a trust root anybody could have
// written them, and they mean nothing.
func (r *sourceReader) advance(dir *state.Dir, f *files) error {
	if len(r.keys) == 0 {
		return nil
	}
	var all []error
	for _, b := range f.bundles {
		all = append(all, dir.AdvanceRevision(b.Manifest.Name, b.Manifest.Revision, b.Digest))
	}
	return errors.Join(all...)
}
