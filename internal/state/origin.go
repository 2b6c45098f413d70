package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// PolicyFile is a file that a policy was read from, as it was then: a policy
// file, or the signed bundle that held several.
type PolicyFile struct {
	Path   string `json:"path"` // absolute
	Digest string `json:"digest"`
}

// filesSuffix ends the name of what is remembered beside a kept policy.
const filesSuffix = ".files"

// maxPlaces bounds how many places of one policy are remembered.
const maxPlaces = 16

// KeepPolicyFiles remembers which files a kept policy was read from. One text
// may lie in several places, of which the newest are remembered, the last one
// last. The bytes of each file are kept with [Dir.KeepPolicy].
func (d *Dir) KeepPolicyFiles(digest string, files []PolicyFile) error {
	path, err := d.policyPath(digest)
	if err != nil {
		return err
	}
	if places, err := d.PolicyFiles(digest); err == nil && len(places) > 0 && slices.Equal(places[len(places)-1], files) {
		return nil
	}
	unlock, err := lockDir(filepath.Join(d.path, lockName))
	if err != nil {
		return err
	}
	defer unlock()
	places, err := d.PolicyFiles(digest)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	places = slices.DeleteFunc(places, func(p []PolicyFile) bool { return slices.Equal(p, files) })
	places = append(places[max(0, len(places)-maxPlaces+1):], files)
	text, err := json.Marshal(places)
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	return writeFile(path+filesSuffix, append(text, '\n'))
}

// PolicyFiles returns which files a kept policy was read from, for each place
// that it was read from, the last one last. The error wraps fs.ErrNotExist where
// that is not remembered: the policy was no file.
func (d *Dir) PolicyFiles(digest string) ([][]PolicyFile, error) {
	path, err := d.policyPath(digest)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path + filesSuffix)
	if err != nil {
		return nil, err
	}
	var places [][]PolicyFile
	if err := json.Unmarshal(text, &places); err != nil {
		return nil, fmt.Errorf("state: %s: %w", path+filesSuffix, err)
	}
	return places, nil
}
