package sources

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/custos-zt/custos/internal/bundle"
	"github.com/custos-zt/custos/internal/state"
	"github.com/custos-zt/custos/policy"
)

// stdin is the name of standard input.
const stdin = "-"

// Reader reads policy files and signed bundles. It is for one goroutine at a
// time.
type Reader struct {
	// Read reads a named file; nil is os.ReadFile. It may know "-".
	Read func(name string) ([]byte, error)
	// Keys are those of the trust root; none where none is configured.
	Keys []bundle.Key
	// Audience is what this machine is called in bundles.
	Audience string
	// Signed refuses what is no bundle: a trust root is configured, and what is
	// read is to be put in force.
	Signed bool
	// Unchecked is told once of each bundle whose signature is not checked,
	// because there are no keys; nil tells nobody.
	Unchecked func(name string)

	told []string
	// held are texts that stand for files, by name: what they once held, and
	// standard input, which can be read once.
	held map[string][]byte
}

// TrustRoot reads a file of public keys.
func TrustRoot(name string, read func(string) ([]byte, error)) ([]bundle.Key, error) {
	data, err := read(name)
	if err != nil {
		return nil, err
	}
	keys, err := bundle.PublicKeys(data)
	if err != nil {
		return nil, fmt.Errorf("%s %w", name, err)
	}
	return keys, nil
}

// Files reads the named files.
func (r *Reader) Files(names []string) (*Files, error) {
	out := &Files{Names: names, signed: map[string]origin{}}
	for _, name := range names {
		data, err := r.data(name)
		out.Raw = append(out.Raw, data)
		switch {
		case err != nil:
			return nil, err
		case bundle.Named(name):
			if err := r.open(name, data, out); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		case r.Signed:
			return nil, fmt.Errorf("%s is not signed, and policy.trust_root asks for signed bundles", name)
		default:
			out.Sources = append(out.Sources, policy.Source{Name: name, Data: data})
		}
	}
	return out, nil
}

func (r *Reader) data(name string) ([]byte, error) {
	if data, ok := r.held[name]; ok {
		return data, nil
	}
	read := r.Read
	if read == nil {
		read = os.ReadFile
	}
	data, err := read(name)
	if err == nil && name == stdin {
		r.held = map[string][]byte{stdin: data}
	}
	return data, err
}

// open adds the members of a bundle.
func (r *Reader) open(name string, data []byte, to *Files) error {
	b, err := bundle.Open(data, bundle.Trust{Keys: r.Keys, Audience: r.Audience, Now: time.Now()})
	if err != nil {
		return err //nolint:wrapcheck // the caller names the file
	}
	if b.KeyID == "" && r.Unchecked != nil && !slices.Contains(r.told, name) {
		r.told = append(r.told, name)
		r.Unchecked(name)
	}
	to.Bundles = append(to.Bundles, b)
	for _, m := range b.Members {
		source := name + "/" + m.Name
		to.signed[source] = origin{name, b.Layer}
		to.Sources = append(to.Sources, policy.Source{Name: source, Data: m.Data, Signer: b.KeyID})
	}
	return nil
}

// Advance remembers the revisions that are about to be in force, and refuses
// those that are older than what was. Without a trust root anybody could have
// written them, and they mean nothing.
func (r *Reader) Advance(dir *state.Dir, f *Files) error {
	if len(r.Keys) == 0 {
		return nil
	}
	var all []error
	for _, b := range f.Bundles {
		all = append(all, dir.AdvanceRevision(b.Manifest.Name, b.Manifest.Revision, b.Digest))
	}
	return errors.Join(all...)
}
