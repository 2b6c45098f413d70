package state

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestAdvanceRevision(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	for i, c := range []struct {
		name     string
		revision uint64
		digest   string
		ok       bool
	}{
		{"laptop", 5, "a", true},
		{"laptop", 5, "a", true},
		{"laptop", 5, "b", false},
		{"laptop", 4, "a", false},
		{"team", 1, "a", true},
		{"laptop", 7, "c", true},
		{"laptop", 5, "a", false},
		{"laptop", 0, "a", false},
		{"team", 0, "a", false},
		{"laptop", 7, "c", true},
	} {
		d, err := Open(path) // the memory is the directory's, not the process's
		if err != nil {
			t.Fatal(err)
		}
		err = d.AdvanceRevision(c.name, c.revision, c.digest)
		var older *RevisionError
		if (err == nil) != c.ok || err != nil && !errors.As(err, &older) {
			t.Errorf("%d: %s %d %s: %v", i, c.name, c.revision, c.digest, err)
		}
	}
	info, err := os.Stat(filepath.Join(path, policyName, revisionsName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// A memory that cannot be read is no memory of having seen nothing.
func TestRevisionsThatAreBroken(t *testing.T) {
	d, err := Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.Path(), policyName, revisionsName), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.AdvanceRevision("laptop", 1, "a"); err == nil {
		t.Error("a revision is accepted without a memory")
	}
}
