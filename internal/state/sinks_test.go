package state

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestOneProcessShips(t *testing.T) {
	d, err := Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := d.LockSinks()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.LockSinks(); !errors.Is(err, ErrShipping) {
		t.Fatalf("a second one: %v", err)
	}
	unlock()
	unlock, err = d.LockSinks()
	if err != nil {
		t.Fatalf("once the first is gone: %v", err)
	}
	unlock()
}

func TestCursorsAreKept(t *testing.T) {
	d, err := Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := d.LockSinks()
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if _, err := d.Cursor("syslog"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("before the first: %v", err)
	}
	for _, text := range []string{"one\n", "two\n"} {
		if err := d.KeepCursor("syslog", []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := d.Cursor("syslog"); err != nil || string(got) != text {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	path := filepath.Join(d.Path(), "sinks", "syslog.json")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	for _, name := range []string{"", "../keys/log", "a/b", "A", "lock.json"} {
		if err := d.KeepCursor(name, nil); err == nil {
			t.Errorf("%q was taken for a name", name)
		}
	}
	// Somebody else's file in its place is refused.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/hostname", path); err != nil {
		t.Fatal(err)
	}
	var insecure *InsecureError
	if _, err := d.Cursor("syslog"); !errors.As(err, &insecure) {
		t.Errorf("a symbolic link: %v", err)
	}
}
