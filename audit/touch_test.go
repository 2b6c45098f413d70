package audit

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// TestTouches: what the writer does to its file is not held against it, and
// what somebody else does shows once, however soon it follows.
func TestTouches(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells of touches")
	}
	path := filepath.Join(t.TempDir(), segmentName(1))
	s, err := createSegment(osDisk(), path, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.finish() }()
	other, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	intrude := map[string]func() error{
		"write":       func() error { _, err := other.WriteAt([]byte("x"), 0); return err },
		"truncate":    func() error { return other.Truncate(s.space) },
		"attributes":  func() error { return os.Chmod(path, 0o600) },
		"write twice": func() error { _, err := other.WriteAt([]byte("xy"), 0); return err },
	}
	frame := sealFrame(make([]byte, 4000))
	if err := s.begin(frame); err != nil {
		t.Fatal(err)
	}
	for name, do := range intrude {
		for range 60 { // more than the first step of space
			if err := s.write(frame); err != nil {
				t.Fatal(err)
			}
			if !s.busy && s.touches.any() {
				t.Fatal("the writer's own write counts")
			}
			s.prepare()
		}
		if err := s.collect(true); err != nil {
			t.Fatal(err)
		}
		s.touches.any() // of preparing space
		if err := do(); err != nil {
			t.Fatal(err)
		}
		if !s.touches.any() {
			t.Errorf("%s: not noticed", name)
		}
		if s.touches.any() {
			t.Errorf("%s: noticed twice", name)
		}
	}
}
