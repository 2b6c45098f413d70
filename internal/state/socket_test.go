package state

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// slotIn takes a slot of a new state directory with a name of this length.
func slotIn(t *testing.T, length int) (*Dir, *Slot) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	for len(path) < length {
		path = filepath.Join(path, strings.Repeat("d", min(200, max(1, length-len(path)-1))))
	}
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.AcquireSlot()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return d, s
}

func TestSocket(t *testing.T) {
	for _, length := range []int{0, 91, 92, 93, 97, 98, 300} { // about what systems take, and far more
		d, s := slotIn(t, length)
		if running, err := d.Running(); err != nil || running[0].Socket {
			t.Fatalf("before it listens: %+v, %v", running, err)
		}
		if _, err := d.Dial(t.Context(), 0); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("nobody listens: %v", err)
		}
		l, err := s.Listen()
		if err != nil && runtime.GOOS != "linux" && length > 90 && strings.Contains(err.Error(), "shorter state directory") {
			continue
		}
		if err != nil {
			t.Fatalf("a path of %d bytes: %v", len(d.socketPath(0)), err)
		}
		if st, err := os.Lstat(d.socketPath(0)); err != nil || st.Mode() != fs.ModeSocket|0o600 {
			t.Errorf("%v, %v", st, err)
		}
		if running, err := d.Running(); err != nil || !running[0].Socket {
			t.Errorf("%+v, %v", running, err)
		}
		greet(t, d, l)
		if err := errors.Join(l.Close(), s.Close()); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Lstat(d.socketPath(0)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the socket outlives the slot: %v", err)
		}
	}
}

// greet sends a word through a socket.
func greet(t *testing.T, d *Dir, l net.Listener) {
	t.Helper()
	c, err := d.Dial(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	served, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(served, "salve"); err != nil {
		t.Fatal(err)
	}
	if err := served.Close(); err != nil {
		t.Fatal(err)
	}
	if word, err := io.ReadAll(c); err != nil || string(word) != "salve" {
		t.Errorf("%q, %v", word, err)
	}
}

// A holder that was killed leaves its socket; the next one takes its place, and
// nobody else removes it.
func TestAKilledHolderLeavesItsSocket(t *testing.T) {
	d, s := slotIn(t, 0)
	l, err := s.Listen()
	if err != nil {
		t.Fatal(err)
	}
	other, err := d.AcquireSlot()
	if err != nil || other.Number() != 1 {
		t.Fatal(other, err)
	}
	if err := errors.Join(other.Close(), l.Close(), s.lock.Close()); err != nil { // as the kernel does it
		t.Fatal(err)
	}
	if _, err := os.Lstat(d.socketPath(0)); err != nil {
		t.Fatalf("there is nothing left to remove: %v", err)
	}
	if running, err := d.Running(); err != nil || len(running) != 0 {
		t.Errorf("%+v, %v", running, err)
	}
	if s, err = d.AcquireSlot(); err != nil || s.Number() != 0 {
		t.Fatal(s, err)
	}
	if l, err = s.Listen(); err != nil {
		t.Fatal(err)
	}
	greet(t, d, l)
	if err := errors.Join(l.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
}

// What is no socket of ours alone is not talked to.
func TestForeignSockets(t *testing.T) {
	d, _ := slotIn(t, 0)
	at := d.socketPath(0)
	var insecure *InsecureError
	for name, put := range map[string]func() error{
		"a link": func() error { return os.Symlink(filepath.Join(d.path, "elsewhere"), at) },
		"a file": func() error { return os.WriteFile(at, nil, 0o600) },
		"open to others": func() error {
			t.Chdir(filepath.Dir(at)) // the path may be longer than the kernel takes
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Base(at), Net: "unix"})
			if err != nil {
				return err
			}
			t.Cleanup(func() { _ = l.Close() })
			return os.Chmod(at, 0o666)
		},
	} {
		if err := errors.Join(removeTemp(at), put()); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Dial(t.Context(), 0); !errors.As(err, &insecure) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
