package sources

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"

	"github.com/custos-zt/custos/internal/bundle"
	"github.com/custos-zt/custos/internal/state"
	"github.com/custos-zt/custos/policy"
)

// Files are policy files as they were read at one moment.
type Files struct {
	Names []string
	Raw   [][]byte // what each name held
	// Sources are the policy files, those of bundles among them.
	Sources []policy.Source
	Bundles []*bundle.Bundle
	// signed are the sources that a bundle holds.
	signed map[string]origin
}

// origin is where a source of a bundle comes from.
type origin struct {
	file  string // the bundle
	layer string // that its key may sign for; "" is any
}

// Under completes what the files are read against: a member may claim what both
// its bundle and its key may.
func (f *Files) Under(o policy.Options) policy.Options {
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

// Digest is that of the policy that the files make.
func (f *Files) Digest() string {
	kept := policy.Kept(f.Sources)
	return kept[len(kept)-1].Digest
}

// Identity tells apart what Digest does, and bundles that hold the same files.
func (f *Files) Identity() string {
	id := f.Digest()
	for _, b := range f.Bundles {
		id += " " + b.Digest
	}
	return id
}

// Keep remembers what the files held and where they were, bundles with their
// signatures, so that the policy they make can be put back and checked again.
// Standard input is no place to go back to.
func (f *Files) Keep(dir *state.Dir) error {
	all := make([]state.PolicyFile, 0, len(f.Names))
	for i, name := range f.Names {
		if name == stdin {
			return nil
		}
		path, err := filepath.Abs(name)
		if err != nil {
			return err
		}
		digest := DigestOf(f.Raw[i])
		if err := dir.KeepPolicy(digest, f.Raw[i]); err != nil {
			return err
		}
		all = append(all, state.PolicyFile{Path: path, Digest: digest})
	}
	return dir.KeepPolicyFiles(f.Digest(), all)
}

// DigestOf returns "sha256:…" of a text.
func DigestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}
