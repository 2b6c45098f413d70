package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

const revisionsName = "revisions"

// revision is the highest revision that was seen of one signed policy.
type revision struct {
	Revision uint64 `json:"revision"`
	Digest   string `json:"digest"` // of its manifest
}

// RevisionError refuses a signed policy that is older than one that was in
// force, or that shares its revision with another one.
type RevisionError struct {
	Name      string
	Got, Seen uint64
}

// Error names both revisions.
func (e *RevisionError) Error() string {
	if e.Got == e.Seen {
		return fmt.Sprintf("revision %d of the policy %s was another one: two policies were signed with it", e.Got, e.Name)
	}
	return fmt.Sprintf("revision %d of the policy %s is older than revision %d, which was in force", e.Got, e.Name, e.Seen)
}

// AdvanceRevision remembers that a revision of a signed policy is about to be
// in force, durably, or returns a [RevisionError]. digest identifies the policy
// among those of its revision. Any number of processes may call it.
func (d *Dir) AdvanceRevision(name string, got uint64, digest string) error {
	unlock, err := lockDir(filepath.Join(d.path, lockName))
	if err != nil {
		return err
	}
	defer unlock()
	path := filepath.Join(d.path, policyName, revisionsName)
	all := map[string]revision{}
	data, err := readPrivate(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	default:
		if err := json.Unmarshal(data, &all); err != nil {
			return fmt.Errorf("state: %s: %w", path, err)
		}
	}
	seen, known := all[name]
	switch {
	case known && (got < seen.Revision || got == seen.Revision && digest != seen.Digest):
		return &RevisionError{Name: name, Got: got, Seen: seen.Revision}
	case known && got == seen.Revision:
		return nil
	}
	all[name] = revision{got, digest}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	return writeFile(path, append(text, '\n'))
}
