package state

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

// Who goes back to an older revision gets that one, and only until a newer one
// is in force.
func TestAcceptRevision(t *testing.T) {
	d, err := Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		accept   bool
		revision uint64
		digest   string
		ok       bool
	}{
		{false, 5, "a", true},
		{false, 7, "c", true},
		{false, 5, "a", false},
		{true, 5, "a", true},
		{false, 5, "a", true},
		{false, 5, "a", true}, // another process
		{false, 5, "b", false},
		{false, 4, "a", false},
		{false, 6, "b", false},
		{false, 7, "c", true},
		{false, 5, "a", false}, // it was for once
		{true, 5, "a", true},
		{false, 8, "d", true},
		{false, 5, "a", false},
		{false, 7, "c", false},
		{true, 9, "e", true}, // nothing to go back to
		{false, 8, "d", true},
	}
	for i, c := range steps {
		do := d.AdvanceRevision
		if c.accept {
			do = d.AcceptRevision
		}
		if err := do("laptop", c.revision, c.digest); (err == nil) != c.ok {
			t.Errorf("step %d, %+v: %v", i, c, err)
		}
	}
	if err := d.AcceptRevision("unheard", 1, "a"); err != nil {
		t.Error(err)
	}
}

func TestPolicyFiles(t *testing.T) {
	d, err := Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	digest := "sha256:" + strings.Repeat("ab", 32)
	if _, err := d.PolicyFiles(digest); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what nobody kept: %v", err)
	}
	a, b := []PolicyFile{{"/a.yaml", digest}}, []PolicyFile{{"/a.yaml", digest}, {"/b.bundle", digest}}
	for _, c := range []struct {
		keep []PolicyFile
		want [][]PolicyFile
	}{
		{a, [][]PolicyFile{a}}, {a, [][]PolicyFile{a}}, {b, [][]PolicyFile{a, b}}, {a, [][]PolicyFile{b, a}},
	} {
		if err := d.KeepPolicyFiles(digest, c.keep); err != nil {
			t.Fatal(err)
		}
		if got, err := d.PolicyFiles(digest); err != nil || !slices.EqualFunc(got, c.want, slices.Equal[[]PolicyFile]) {
			t.Errorf("got %v, %v", got, err)
		}
	}
	for i := range 2 * maxPlaces {
		if err := d.KeepPolicyFiles(digest, []PolicyFile{{fmt.Sprint("/", i), digest}}); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := d.PolicyFiles(digest); err != nil || len(got) != maxPlaces || got[maxPlaces-1][0].Path != fmt.Sprint("/", 2*maxPlaces-1) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"", "sha256:../../keys/log", digest + "0"} {
		if err := d.KeepPolicyFiles(bad, nil); err == nil {
			t.Errorf("%q is a digest", bad)
		}
	}
}
