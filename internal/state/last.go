package state

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
)

// lastPrefix begins the names of files that say what was last in force.
const lastPrefix = "last-"

// Last returns the digest of what was last in force under a name, "" where that
// is not known. It is good for showing what changed and for nothing that a
// decision depends on: a crash may lose it, and nobody signed it.
func (d *Dir) Last(name string) string {
	b, err := readPrivate(d.lastPath(name))
	digest := strings.TrimSuffix(string(b), "\n")
	if err != nil {
		return ""
	}
	if _, err := d.policyPath(digest); err != nil {
		return ""
	}
	return digest
}

// SetLast remembers what is in force under a name; digest "" is nothing. It does
// not wait for the disk.
func (d *Dir) SetLast(name, digest string) error {
	path := d.lastPath(name)
	if digest == "" {
		return removeTemp(path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(digest + "\n")
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = removeTemp(f.Name()) // the first error says more
	}
	return err
}

// lastPath makes a file name of any name.
func (d *Dir) lastPath(name string) string {
	return filepath.Join(d.path, policyName, lastPrefix+hex.EncodeToString([]byte(name[:min(len(name), 100)])))
}
