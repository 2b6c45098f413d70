package state

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestDatabaseIsPrivate(t *testing.T) {
	d, err := Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	if d.HasDatabase() {
		t.Error("it was made before anybody needed it")
	}
	path, err := d.Database()
	if err != nil || !d.HasDatabase() {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if again, err := d.Database(); err != nil || again != path {
		t.Errorf("%s, %v", again, err)
	}
	var insecure *InsecureError
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Database(); !errors.As(err, &insecure) {
		t.Errorf("open to others: %v", err)
	}
	if err := errors.Join(os.Remove(path), os.Symlink("/dev/null", path)); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Database(); !errors.As(err, &insecure) {
		t.Errorf("a link: %v", err)
	}
}
