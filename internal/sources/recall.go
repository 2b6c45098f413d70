package sources

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/custos-zt/custos/internal/state"
)

// The reasons for which a policy that was in force cannot be recalled. Errors of
// [Reader.Recall] and [Kept] wrap one, or say why its files are refused today.
var (
	ErrUnknown = errors.New("it is not known which files it was read from")
	ErrGone    = errors.New("is in the log, and its text is gone from the state directory")
	ErrChanged = errors.New("was changed: it has another digest")
)

// Kept reads a kept text and checks that it is what its digest says.
func Kept(dir *state.Dir, digest string) ([]byte, error) {
	text, err := dir.Policy(digest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s %w", digest, ErrGone)
	}
	if err != nil {
		return nil, err
	}
	if DigestOf(text) != digest {
		return nil, fmt.Errorf("the text kept as %s %w", digest, ErrChanged)
	}
	return text, nil
}

// Recall reads a policy that was in force from what was kept of its files, as
// strictly as if they lay there now: signatures, audience and validity are those
// of today. Where it was read from several places, at says which is meant; the
// last one is where at is nil, or none is.
func (r *Reader) Recall(dir *state.Dir, digest string, at func([]state.PolicyFile) bool) (*Files, error) {
	places, err := dir.PolicyFiles(digest)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(places) == 0 {
		return nil, fmt.Errorf("%s: %w", digest, ErrUnknown)
	}
	if err != nil {
		return nil, err
	}
	was := places[len(places)-1]
	for _, p := range places {
		if at != nil && at(p) {
			was = p
		}
	}
	then := *r
	then.held = map[string][]byte{}
	names := make([]string, len(was))
	for i, f := range was {
		names[i] = f.Path
		if then.held[f.Path], err = Kept(dir, f.Digest); err != nil {
			return nil, err
		}
	}
	read, err := then.Files(names)
	if err != nil {
		return nil, err
	}
	if read.Digest() != digest {
		return nil, fmt.Errorf("what is kept of %s %w: %s", digest, ErrChanged, read.Digest())
	}
	return read, nil
}
