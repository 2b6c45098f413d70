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
	// Back is an older revision that somebody went back to, by name and by word:
	// it alone is accepted again, until this one or a newer one is in force.
	Back *revision `json:"back,omitempty"`
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
	return d.revise(func(all map[string]revision) (bool, error) {
		seen, known := all[name]
		switch {
		case known && seen.Back != nil && got == seen.Back.Revision && digest == seen.Back.Digest:
			return false, nil
		case known && (got < seen.Revision || got == seen.Revision && digest != seen.Digest):
			return false, &RevisionError{Name: name, Got: got, Seen: seen.Revision}
		case known && got == seen.Revision && seen.Back == nil:
			return false, nil
		}
		all[name] = revision{Revision: got, Digest: digest}
		return true, nil
	})
}

// AcceptRevision lets one older revision of a signed policy be in force again,
// until the highest that was seen or a newer one is. It undoes what protects
// from replayed policies, for this one: only a person may ask for it.
func (d *Dir) AcceptRevision(name string, got uint64, digest string) error {
	return d.revise(func(all map[string]revision) (bool, error) {
		seen, known := all[name]
		if !known || got >= seen.Revision {
			return false, nil // AdvanceRevision will say
		}
		seen.Back = &revision{Revision: got, Digest: digest}
		all[name] = seen
		return true, nil
	})
}

// revise changes what is remembered of revisions; change reports whether there
// is something to write.
func (d *Dir) revise(change func(map[string]revision) (bool, error)) error {
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
	if write, err := change(all); !write || err != nil {
		return err
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	return writeFile(path, append(text, '\n'))
}
