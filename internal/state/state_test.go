package state

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/audit"
)

func open(t *testing.T, path string) *Dir {
	t.Helper()
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestOpenMakesAPrivateDirectoryOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "state")
	if _, err := OpenExisting(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("open existing before the first run: %v", err)
	}
	first := open(t, path)
	second, err := OpenExisting(path)
	if err != nil {
		t.Fatal(err)
	}
	if first.Instance() != second.Instance() || !first.LogKeys().Extends(second.LogKeys()) || second.LogKey() != nil {
		t.Fatalf("opened twice: instances %s and %s", first.Instance(), second.Instance())
	}
	if a, b := first.HMAC("p", []byte("x")), second.HMAC("p", []byte("x")); a != b {
		t.Fatal("opened twice: different keyed digests")
	}
	err = filepath.WalkDir(path, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := e.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if e.IsDir() {
			want = 0o700
		}
		if st.Mode().Perm() != want {
			t.Errorf("%s has mode %o, want %o", p, st.Mode().Perm(), want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestInstanceID(t *testing.T) {
	a := open(t, filepath.Join(t.TempDir(), "a")).Instance()
	b := open(t, filepath.Join(t.TempDir(), "b")).Instance()
	if a == b || len(a) != 18 || !strings.HasPrefix(a, "i_") {
		t.Fatalf("instances %q and %q: want two ids of 18 characters", a, b)
	}
}

func TestHMACSeparatesPurposes(t *testing.T) {
	d := open(t, filepath.Join(t.TempDir(), "s"))
	seen := map[[32]byte]string{}
	for _, c := range [][2]string{{"a", "bc"}, {"ab", "c"}, {"", "abc"}, {"abc", ""}} {
		sum := d.HMAC(c[0], []byte(c[1]))
		if other, ok := seen[sum]; ok {
			t.Errorf("purpose %q of %q has the digest of %s", c[0], c[1], other)
		}
		seen[sum] = strings.Join(c[:], "|")
	}
}

func TestOpenRefusesWhatOthersCanReach(t *testing.T) {
	tests := []struct {
		name, want string
		spoil      func(dir string) error
	}{
		{"directory open to others", "open to other users", func(d string) error { return os.Chmod(d, 0o755) }},
		{"keys open to others", "open to other users", func(d string) error { return os.Chmod(filepath.Join(d, "keys"), 0o750) }},
		{"key open to others", "open to other users", func(d string) error { return os.Chmod(filepath.Join(d, "keys", "hmac"), 0o640) }},
		{"log is a link", "symbolic link", func(d string) error { return replaceByLink(filepath.Join(d, "log")) }},
		{"key is a link", "symbolic link", func(d string) error { return replaceByLink(filepath.Join(d, "keys", "log")) }},
		{"lock is a link", "symbolic link", func(d string) error { return replaceByLink(filepath.Join(d, "lock")) }},
		{"key is a directory", "not a file", func(d string) error {
			p := filepath.Join(d, "keys", "hmac")
			return errors.Join(os.Remove(p), os.Mkdir(p, 0o700))
		}},
		{"run is a file", "not a directory", func(d string) error {
			p := filepath.Join(d, "run")
			return errors.Join(os.Remove(p), os.WriteFile(p, nil, 0o600))
		}},
		{"somebody else's directory", "belongs to uid", func(d string) error { return os.Chown(d, 12345, -1) }},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "s")
			open(t, dir)
			if err := c.spoil(dir); errors.Is(err, fs.ErrPermission) {
				t.Skip("only root can give a directory away")
			} else if err != nil {
				t.Fatal(err)
			}
			_, err := Open(dir)
			var insecure *InsecureError
			if !errors.As(err, &insecure) || !strings.Contains(insecure.Problem, c.want) || insecure.Hint == "" {
				t.Fatalf("open: %v, want a hint and a problem with %q", err, c.want)
			}
		})
	}
}

// replaceByLink moves a file away and links to it from its old place.
func replaceByLink(path string) error {
	return errors.Join(os.Rename(path, path+".real"), os.Symlink(path+".real", path))
}

func TestKeysAreNotReplaced(t *testing.T) {
	for _, key := range []string{"hmac", "log"} {
		dir := filepath.Join(t.TempDir(), "s")
		d := open(t, dir)
		s, err := d.AcquireSlot()
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.Close(), os.Remove(filepath.Join(dir, "keys", key))); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "gone") {
			t.Errorf("open without keys/%s beside a log: %v", key, err)
		}
	}
}

func TestBrokenKeys(t *testing.T) {
	for name, content := range map[string]string{"hmac": "short", "log": "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"} {
		dir := filepath.Join(t.TempDir(), "s")
		open(t, dir)
		if err := os.WriteFile(filepath.Join(dir, "keys", name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(dir)
		if err == nil || !strings.Contains(err.Error(), "keys/"+name) {
			t.Errorf("open with a broken %s key: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "c2VjcmV0") {
			t.Errorf("the error repeats the key: %v", err)
		}
	}
}

func TestKeepPolicy(t *testing.T) {
	d := open(t, filepath.Join(t.TempDir(), "s"))
	digest := "sha256:" + strings.Repeat("0a", 32)
	for range 2 {
		if err := d.KeepPolicy(digest, []byte("policy: x\n")); err != nil {
			t.Fatal(err)
		}
	}
	got, err := d.Policy(digest)
	if err != nil || !bytes.Equal(got, []byte("policy: x\n")) {
		t.Fatalf("read back %q, %v", got, err)
	}
	if _, err := d.Policy("sha256:" + strings.Repeat("0b", 32)); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("a policy never kept: %v", err)
	}
	for _, bad := range []string{"", "sha256:", "sha256:../../keys/hmac", "md5:" + strings.Repeat("0a", 32), "sha256:" + strings.Repeat("0A", 32)} {
		if err := d.KeepPolicy(bad, nil); err == nil {
			t.Errorf("kept a policy under %q", bad)
		}
	}
}

func TestRunningKnowsWhoIsThere(t *testing.T) {
	d := open(t, filepath.Join(t.TempDir(), "s"))
	a, err := d.AcquireSlot()
	if err != nil {
		t.Fatal(err)
	}
	b, err := d.AcquireSlot()
	if err != nil {
		t.Fatal(err)
	}
	started := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	if err := b.Describe(Description{Started: started, Backend: "files", Isolation: "same-user"}); err != nil {
		t.Fatal(err)
	}
	want := []Description{{Slot: 0}, {Slot: 1, PID: os.Getpid(), Started: started, Backend: "files", Isolation: "same-user"}}
	got, err := d.Running()
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Fatalf("running: %v\n%s", err, d)
	}
	// The holder of slot 1 vanishes without a word: its description is stale.
	if err := errors.Join(b.lock.Close(), a.Close()); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Running(); err != nil || len(got) != 0 {
		t.Fatalf("running after everybody left: %v, %v", got, err)
	}
	if a, err = d.AcquireSlot(); err != nil || a.Number() != 0 || a.LogDir() != filepath.Join(d.LogDir(), "00") {
		t.Fatalf("the lowest slot was not free again: %v", err)
	}
	if b, err = d.AcquireSlot(); err != nil || b.Number() != 1 {
		t.Fatalf("slot 1 was not free again: %v", err)
	}
	if got, err := d.Running(); err != nil || len(got) != 2 || got[1].Backend != "" {
		t.Fatalf("a new holder appears under the description of the last: %v, %v", got, err)
	}
	if !audit.Live(a.LogDir()) {
		t.Fatal("a held slot is not live")
	}
}

func TestDefaultPath(t *testing.T) {
	tests := []struct{ state, xdg, home, want string }{
		{"/srv/custos", "/x", "/home/dev", "/srv/custos"},
		{"", "/x", "/home/dev", "/x/custos"},
		{"", "relative", "/home/dev", "/home/dev/.local/state/custos"},
		{"", "", "/home/dev", "/home/dev/.local/state/custos"},
	}
	for _, c := range tests {
		t.Setenv(EnvPath, c.state)
		t.Setenv("XDG_STATE_HOME", c.xdg)
		t.Setenv("HOME", c.home)
		if got, err := DefaultPath(); err != nil || got != c.want {
			t.Errorf("%+v: %q, %v", c, got, err)
		}
	}
}
