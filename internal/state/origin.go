package state

import (
	"encoding/json"
	"fmt"
	"os"
)

// PolicyFile is a file that a policy was read from, as it was then: a policy
// file, or the signed bundle that held several.
type PolicyFile struct {
	Path   string `json:"path"` // absolute
	Digest string `json:"digest"`
}

// filesSuffix ends the name of what is remembered beside a kept policy.
const filesSuffix = ".files"

// KeepPolicyFiles remembers which files a kept policy was read from, the last
// ones where it was read from several. The bytes of each are kept with
// [Dir.KeepPolicy].
func (d *Dir) KeepPolicyFiles(digest string, files []PolicyFile) error {
	path, err := d.policyPath(digest)
	if err != nil {
		return err
	}
	text, err := json.Marshal(files)
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	text = append(text, '\n')
	if have, err := os.ReadFile(path + filesSuffix); err == nil && string(have) == string(text) {
		return nil
	}
	return writeFile(path+filesSuffix, text)
}

// PolicyFiles returns which files a kept policy was read from. The error wraps
// fs.ErrNotExist where that is not remembered: the policy was no file.
func (d *Dir) PolicyFiles(digest string) ([]PolicyFile, error) {
	path, err := d.policyPath(digest)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path + filesSuffix)
	if err != nil {
		return nil, err
	}
	var files []PolicyFile
	if err := json.Unmarshal(text, &files); err != nil {
		return nil, fmt.Errorf("state: %s: %w", path+filesSuffix, err)
	}
	return files, nil
}
