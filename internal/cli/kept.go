package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/custos-zt/custos/internal/state"
)

// keep remembers what the files held and where they were, bundles with their
// signatures, so that the policy they make can be put back and checked again.
// Standard input is no place to go back to.
func (f *files) keep(dir *state.Dir) error {
	all := make([]state.PolicyFile, 0, len(f.names))
	for i, name := range f.names {
		if name == "-" {
			return nil
		}
		path, err := filepath.Abs(name)
		if err != nil {
			return err
		}
		digest := digestOf(f.raw[i])
		if err := dir.KeepPolicy(digest, f.raw[i]); err != nil {
			return err
		}
		all = append(all, state.PolicyFile{Path: path, Digest: digest})
	}
	return dir.KeepPolicyFiles(f.digest(), all)
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// recall reads a policy that was in force from what was kept of its files, as
// strictly as if they lay there now: signatures, audience and validity are those
// of today.
func (r *sourceReader) recall(dir *state.Dir, digest string) (*files, error) {
	was, err := dir.PolicyFiles(digest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Error{
			Code: ExitFailure, Text: "it is not known which files " + digest + " was read from",
			Hint: "custos policy show " + digest + " > FILE",
		}
	}
	if err != nil {
		return nil, failure(err, "")
	}
	then := *r
	then.held = map[string][]byte{}
	names := make([]string, len(was))
	for i, f := range was {
		names[i] = f.Path
		if then.held[f.Path], err = kept(dir, f.Digest); err != nil {
			return nil, err
		}
	}
	read, err := then.read(names)
	if err != nil {
		return nil, &Error{Code: ExitPolicy, Text: err.Error(), Err: err}
	}
	if read.digest() != digest {
		return nil, &Error{Code: ExitEvidence, Text: "what is kept of " + digest + " makes another policy: " + read.digest()}
	}
	return read, nil
}
